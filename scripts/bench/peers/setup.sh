#!/usr/bin/env bash
# Makes one virtual environment per peer program, outside the repository, with pinned versions.
#   scripts/bench/peers/setup.sh [metamf] [pfl] [flower] [columns]      (no name: the first three)
# A second run changes nothing. PYTHON=... names the interpreter; PEERS_TORCH=full installs torch with its CUDA libraries.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=${XDG_CACHE_HOME:-$HOME/.cache}/metafleet/peers
python=${PYTHON:-python3}

say() { echo "peers: $*" >&2; }
fail() { say "$*"; exit 1; }

if [[ ${1:-} == -h || ${1:-} == --help ]]; then sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0; fi
peers=("$@")
if ((${#peers[@]} == 0)); then peers=(metamf pfl flower); fi
for peer in "${peers[@]}"; do
  [[ $peer == metamf || $peer == pfl || $peer == flower || $peer == columns ]] || fail "no peer named '$peer'; known: metamf, pfl, flower, columns"
done

command -v "$python" >/dev/null || fail "python3 was not found; install Python 3.11 or 3.12, or name one with PYTHON=/path/to/python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || fail "$python does not run"
[[ $version == 3.11 || $version == 3.12 ]] || fail "Python 3.11 or 3.12 is needed (pfl and flwr ask for it), $python is $version; name another with PYTHON="
"$python" -c 'import venv, ensurepip' 2>/dev/null || fail "$python has no venv module; on Debian and Ubuntu it is the package python3-venv"

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# install PIP WHAT ARGS...: pip's own output is shown only as the one line that says what went wrong.
install() {
  local pip=$1 what=$2
  shift 2
  nice -n 10 "$pip" -m pip install --quiet --no-cache-dir --disable-pip-version-check --retries 2 --timeout 60 "$@" >"$log" 2>&1 ||
    fail "could not install $what (is the Python package index reachable?): $(grep -m1 '^ERROR' "$log" || tail -n 1 "$log")"
}

# A folder is complete when its stamp matches; anything else is made again from nothing. Raise `layout` when this script
# lays the folders out differently.
layout=1
stamp() { { echo "$layout $version ${PEERS_TORCH:-light}"; cat "$@"; } | cksum; }
complete() { [[ -f $1/.stamp && $(<"$1/.stamp") == "$2" ]]; }
fresh() {
  rm -rf "$1"
  "$python" -m venv "$1" >"$log" 2>&1 || fail "could not make a virtual environment in $1: $(tail -n 1 "$log")"
}

# polars and pandas need no torch.
trained=()
for peer in "${peers[@]}"; do
  if [[ $peer != columns ]]; then trained+=("$peer"); continue; fi
  venv=$root/columns
  want=$(stamp "$here/../data/requirements.txt")
  if ! complete "$venv" "$want"; then
    say "columns: installing ..."
    fresh "$venv"
    install "$venv/bin/python" columns -r "$here/../data/requirements.txt"
    echo "$want" >"$venv/.stamp"
  fi
  say "columns: ready in $venv"
done
if ((${#trained[@]} == 0)); then exit 0; fi
peers=("${trained[@]}")

torch=$root/torch
want=$(stamp "$here/requirements-torch.txt")
if ! complete "$torch" "$want"; then
  say "torch: installing (0.5 GB to download, 1.3 GB on disk) ..."
  fresh "$torch"
  if [[ ${PEERS_TORCH:-light} == full ]]; then
    install "$torch/bin/python" torch "$(grep '^torch==' "$here/requirements-torch.txt")"
  else
    install "$torch/bin/python" torch --no-deps -r "$here/requirements-torch.txt"
    lib=$torch/lib/python$version/site-packages/torch/lib
    # The wheel's CUDA half names libraries it never calls on a CPU. The loader accepts any file under such a name as
    # long as it binds functions lazily (activate below), so each name becomes a link to torch's own libc10.
    if [[ -f $lib/libtorch_cuda.so ]]; then
      for name in libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12 libcufile.so.0 libcupti.so.13 libcurand.so.10 \
        libcusolver.so.12 libcusparse.so.12 libcusparseLt.so.0 libnccl.so.2 libnvrtc.so.13 libnvshmem_host.so.3; do
        ln -s libc10.so "$lib/$name"
      done
    fi
  fi
  echo "$want" >"$torch/.stamp"
fi

for peer in "${peers[@]}"; do
  venv=$root/$peer
  wantPeer=$(stamp "$here/requirements-torch.txt" "$here/requirements-$peer.txt")
  if complete "$venv" "$wantPeer"; then
    say "$peer: ready in $venv"
    continue
  fi
  say "$peer: installing ..."
  fresh "$venv"
  install "$venv/bin/python" "$peer" -r "$here/requirements-$peer.txt"
  # activate torch: its folder on the path of this environment, and lazy binding for its CUDA half.
  printf '%s\nimport os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n' "$torch/lib/python$version/site-packages" \
    >"$venv/lib/python$version/site-packages/metafleet-torch.pth"
  "$venv/bin/python" -c 'import torch; torch.ones(2, requires_grad=True).sum().backward()' >"$log" 2>&1 ||
    fail "$peer: torch does not load here without its CUDA libraries ($(tail -n 1 "$log")); run again with PEERS_TORCH=full (about 5 GB)"
  echo "$wantPeer" >"$venv/.stamp"
  say "$peer: ready in $venv"
done
