#!/usr/bin/env bash
# Makes a Python 2.7 of its own with the Buildbots that need one: python27.sh FOLDER [WORKER...]
#
# In FOLDER/bin: python2.7 (which sees Buildbot 0.8.6p1), buildbot, buildslave and twistd of 0.8.6p1 (its master has no
# --nodaemon: `twistd --nodaemon --python buildbot.tac`), buildslave-0.8.14, and buildbot-worker-VERSION for each
# further worker asked for. The interpreter is that of Debian 11, unpacked, not
# installed, from the archive that this machine's apt uses. What is there already is not made again.
set -euo pipefail
recipes=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/python27
mkdir -p "$1/bin"
home=$(cd "$1" && pwd)
shift

fail() { printf 'python27.sh: %s\n' "$*" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# True if something was not yet made by this recipe: `outdated NAME FILE...`; `made NAME` afterwards.
outdated() {
  local name=$1
  shift
  mark=$(cat "${BASH_SOURCE[0]}" "$@" | sha256sum | cut -d' ' -f1)
  [ "$(cat "$home/made-$name" 2>/dev/null || true)" != "$mark" ]
}
made() { printf '%s\n' "$mark" >"$home/made-$1"; }

# --- the interpreter ----------------------------------------------------------------------------

# A state of its own keeps apt from touching the machine's lists and sources.
unpack_interpreter() {
  local archive apt deb state=$scratch/apt
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | sort -u | head -n 1)
  [ -n "$archive" ] || fail "apt knows no archive of Debian: add one to /etc/apt, or put the folder in place by hand"
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/parts" "$state/debs"
  printf 'deb %s bullseye main\n' "$archive" >"$state/sources.list"
  # apt fetches as a user of its own.
  chmod a+rx "$scratch"
  chmod -R a+rwX "$state"
  apt=(apt-get -qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts="$state/parts"
    -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state" -o Acquire::Languages=none
    -o APT::Get::List-Cleanup=0 -o Debug::NoLocking=1)
  "${apt[@]}" update || fail "the archive $archive has no bullseye"
  (cd "$state/debs" && "${apt[@]}" download {,lib}python2.7{,-minimal}=2.7.18* libpython2.7-{stdlib,dev}=2.7.18* \
    libffi7 libssl1.1 python-setuptools python-pkg-resources python-pip-whl)
  rm -rf "$home/usr" "$home/etc"
  for deb in "$state"/debs/*.deb; do dpkg-deb --extract "$deb" "$home"; done
  libraries=$(cd "$home" && echo usr/lib/*-linux-gnu*)
  cat >"$home/interpreter" <<SCRIPT
#!/bin/sh
here=\$(dirname -- "\$(readlink -f -- "\$0")")
LD_LIBRARY_PATH="\$here/$libraries" exec "\$here/usr/bin/python2.7" "\$@"
SCRIPT
  chmod +x "$home/interpreter"
  "$home/interpreter" -c 'import ssl, sqlite3, ctypes' || fail "the interpreter does not run on this machine"
}

# --- packages -----------------------------------------------------------------------------------

# The last pip for this interpreter, run out of Debian's wheels.
pip() {
  local wheels
  wheels=$(find "$home/usr/share/python-wheels" -name '*.whl' ! -name 'setuptools-*' ! -name 'pkg_resources-*' | tr '\n' :)
  PYTHONPATH=$wheels "$home/interpreter" -W ignore -m pip --quiet --disable-pip-version-check "$@" \
    >"$scratch/pip.log" 2>&1 </dev/null || { cat "$scratch/pip.log" >&2; fail "pip $1 failed"; }
}

# Installs what a list names into a folder: `install FOLDER LIST`.
install() {
  pip install --no-deps --require-hashes --upgrade --target "$home/$1" --requirement "$recipes/$2"
}

# Fetches the sources that a list names and unpacks them: `fetch LIST`.
fetch() {
  local archive
  mkdir -p "$scratch/archives" "$scratch/sources"
  pip download --no-deps --require-hashes --no-binary :all: --dest "$scratch/archives" --requirement "$recipes/$1"
  for archive in "$scratch"/archives/*; do
    case $archive in
      *.zip) "$home/interpreter" -m zipfile -e "$archive" "$scratch/sources" ;;
      *) tar --extract --file "$archive" --directory "$scratch/sources" ;;
    esac
  done
  rm -rf "$scratch/archives"
}

# Makes a program that runs a module's run(): `program NAME FOLDERS MODULE`.
program() {
  cat >"$home/bin/$1" <<SCRIPT
#!/bin/sh
here=\$(dirname -- "\$(dirname -- "\$(readlink -f -- "\$0")")")
exec "\$here/interpreter" -W ignore "\$here/start.py" $2 $3 "\$@"
SCRIPT
  chmod +x "$home/bin/$1"
}

# --- the Buildbots ------------------------------------------------------------------------------

make_original() {
  local site=$home/0.8.6p1 part
  rm -rf "$site" "$home/slave-0.8.14"
  install 0.8.6p1 basis.txt
  # Its namespace is declared in a file that only an installed folder's is read.
  touch "$site/zope/__init__.py"
  fetch master.txt
  for part in Twisted-*/twisted SQLAlchemy-*/lib/sqlalchemy Tempita-*/tempita sqlalchemy-migrate-*/migrate \
    python-dateutil-*/dateutil buildbot-0*/buildbot buildbot-slave-*/buildslave; do
    cp -R "$scratch"/sources/$part "$site/"
  done
  rm -rf "$scratch/sources"
  fetch slave-0.8.14.txt
  mkdir "$home/slave-0.8.14"
  cp -R "$scratch"/sources/buildbot-slave-*/buildslave "$home/slave-0.8.14/"
  "$home/interpreter" -W ignore -m compileall -q "$site" "$home/slave-0.8.14" >/dev/null 2>&1 || true # some are templates
  program buildbot 0.8.6p1 buildbot.scripts.runner
  program twistd 0.8.6p1 twisted.scripts.twistd
  program buildslave 0.8.6p1 buildslave.scripts.runner
  program buildslave-0.8.14 slave-0.8.14:0.8.6p1 buildslave.scripts.runner
  cat >"$home/bin/python2.7" <<'SCRIPT'
#!/bin/sh
here=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
PYTHONPATH="$here/0.8.6p1${PYTHONPATH:+:$PYTHONPATH}" exec "$here/interpreter" -W ignore "$@"
SCRIPT
  chmod +x "$home/bin/python2.7"
  expect 'Buildslave version: 0.8.6p1' buildslave --version
  expect 'Buildslave version: 0.8.14' buildslave-0.8.14 --version
  expect 'Buildbot version: 0.8.6p1' buildbot --version
}

make_worker() {
  rm -rf "$home/worker-$1"
  install "worker-$1" workers.txt
  install "worker-$1" "worker-$1.txt"
  touch "$home/worker-$1/zope/__init__.py"
  program "buildbot-worker-$1" "worker-$1" buildbot_worker.scripts.runner
  expect "worker version: $1" "buildbot-worker-$1" --version
  # Its .tac files import more than its program does.
  PYTHONPATH=$home/worker-$1 "$home/interpreter" -W ignore -c 'import buildbot_worker.bot' ||
    fail "buildbot-worker $1 does not fit what it stands on"
}

# Fails unless a program says this: `expect TEXT PROGRAM ARGUMENT...`.
expect() {
  local text=$1 said
  shift
  said=$("$home/bin/$1" "${@:2}" 2>&1 || true)
  [[ $said == *"$text"* ]] || fail "bin/$* should say '$text' and says: $said"
}

if outdated interpreter; then
  echo "unpacking Python 2.7 into ${home#"$PWD"/}"
  unpack_interpreter
  made interpreter
fi
cp "$recipes/start.py" "$home/start.py"
if outdated original "$recipes"/{basis,master,slave-0.8.14}.txt; then
  echo "installing Buildbot 0.8.6p1 and buildbot-slave 0.8.14 on it"
  make_original
  made original
fi
for worker in "$@"; do
  if outdated "worker-$worker" "$recipes/workers.txt" "$recipes/worker-$worker.txt"; then
    echo "installing buildbot-worker $worker on Python 2.7"
    make_worker "$worker"
    made "worker-$worker"
  fi
done
