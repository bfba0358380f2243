#!/bin/sh
exec "$REASON_SRCDIR/scripts/check-size" "$REASON_SRCDIR"
