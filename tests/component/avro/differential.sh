#!/bin/sh
# Runs differential.py with the Python that tests/run prepares; without one the test is skipped.
set -eu
if [ -z "${TIDEGATE_TEST_PYTHON:-}" ]; then
    echo "TIDEGATE_TEST_PYTHON is not set: start this test with tests/run component"
    exit 77
fi
exec "$TIDEGATE_TEST_PYTHON" "$(dirname -- "$0")/differential.py" --dump "$1" \
    --cases "${TIDEGATE_TEST_CASES:-1500}" --seed "${TIDEGATE_TEST_SEED:-1}"
