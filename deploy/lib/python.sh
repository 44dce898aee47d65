# shellcheck shell=bash
# Python with the packages of a requirements file, in a virtual environment of its own in the cache.

# The system's Python rather than one that a version manager put on the PATH: those come and go.
python_base() {
    if [[ -x /usr/bin/python3 ]]; then
        printf /usr/bin/python3
    else
        command -v python3
    fi
}

python_need() {
    if ! python_base >/dev/null || ! "$(python_base)" -c 'import ensurepip, venv' 2>/dev/null; then
        packages_need python3 python3-venv
    fi
}

# The name in the cache of the environment for a requirements file.
python_cache() {
    local sum
    sum=$({ cat -- "$1" && "$(python_base)" --version; } | cksum)
    printf 'python-%s' "${sum%% *}"
}

# python_obtain REQUIREMENTS
python_obtain() {
    python_need
    obtain "$(python_cache "$1")" python_download "$1"
}

# The environment is moved after it is made, which its interpreter does not mind; its scripts would,
# so everything is run as `python -m`.
python_download() {
    local requirements=$1 dir=$2
    "$(python_base)" -m venv "$dir"
    "$dir/bin/python" -m pip install -q --disable-pip-version-check --no-input -r "$requirements"
}

# python_of REQUIREMENTS : the interpreter of that environment.
python_of() {
    printf '%s/%s/bin/python' "$CACHE_DIR" "$(python_cache "$1")"
}
