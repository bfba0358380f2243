#!/bin/sh
exec "$REASON_SRCDIR/scripts/check-symbols" "$REASON_SRCDIR" .libs/libreason.so
