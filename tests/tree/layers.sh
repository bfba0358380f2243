#!/bin/sh
exec "$REASON_SRCDIR/scripts/check-layers" "$REASON_SRCDIR/lib"
