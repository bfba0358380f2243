#!/bin/sh
exec "$REASON_SRCDIR/scripts/check-headers" "$REASON_SRCDIR" .
