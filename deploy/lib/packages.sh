# shellcheck shell=bash
# Debian packages and toolchains: what is there is used, what is missing is installed.

package_installed() {
    [[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == 'install ok installed' ]]
}

# packages_need NAME... : installs what is missing.
packages_need() {
    local name missing=()
    for name in "$@"; do
        package_installed "$name" || missing+=("$name")
    done
    ((${#missing[@]} > 0)) || return 0
    packages_install "${missing[@]}"
}

packages_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y)
    if ! have apt-get; then
        die "these are missing, and there is no apt-get to install them with; Debian calls them: $*"
    fi
    say "installing: $*"
    as_root "${apt[@]}" update
    if ! as_root "${apt[@]}" install --no-install-recommends "$@"; then
        die "apt-get could not install: $*"
    fi
    PACKAGES_INSTALLED="${PACKAGES_INSTALLED:-}${PACKAGES_INSTALLED:+ }$*"
}

# The first whole number in the text on standard input: a major version.
major_version() {
    local text
    text=$(cat)
    [[ $text =~ ([0-9]+) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

java_is_recent() {
    have java && (($(java -version 2>&1 | head -n 1 | major_version) >= 17))
}

node_is_recent() {
    have node && (($(node --version | major_version) >= 18))
}

# Kafka and the registry run on it, Maven brings them.
need_java() {
    java_is_recent || packages_need default-jre-headless
    have mvn || packages_need maven
    java_is_recent || die 'Java 17 or newer is needed, and the one on the PATH is older: apt-get install default-jre-headless, and put it first on the PATH'
}

# maven_dependency GOAL ARGUMENTS... : the plug-in by its version, which Maven would look up otherwise.
maven_dependency() {
    local goal=$1
    shift
    # Debian's Maven ends with escape sequences even where there is no terminal.
    mvn -q -B "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:$goal" "$@" 2>&1 | sed 's/\x1b\[[0-9;]*m//g'
}

# Runs the embedded database, and npm brings it and the weather records.
need_node() {
    have node || packages_need nodejs
    node_is_recent || die 'Node.js 18 or newer is needed, and the one on the PATH is older: apt-get install nodejs, and put it first on the PATH'
}

need_npm() {
    need_node
    have npm || packages_need npm
}

# need_command COMMAND PACKAGE
need_command() {
    have "$1" || packages_need "$2"
}
