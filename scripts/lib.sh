# shellcheck shell=bash disable=SC2154
# Shared by the scripts of this folder; source it from bash with `top` set to the top of the tree.
#
# Promise: what at_exit was given runs on every exit, also on Ctrl-C, last given first. Packages are
#          installed only when missing, and no service is started by installing them. Under sudo,
#          as_user runs as the user who called, so that what it writes is his.
# Errors:  die: one line on stderr that names the cause and the remedy, and exit code 1.

policy_rc_d=/usr/sbin/policy-rc.d
policy_mark="made by fencepost, process $$, while it installs packages"
exit_actions=()

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
is_root() { [ "$(id -u)" -eq 0 ]; }

run_exit_actions() {
  local code=$? i
  trap - EXIT
  trap '' INT TERM HUP
  for ((i = ${#exit_actions[@]} - 1; i >= 0; i--)); do eval "${exit_actions[i]}"; done
  exit "$code"
}
at_exit() {
  if [ ${#exit_actions[@]} -eq 0 ]; then
    trap run_exit_actions EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
  fi
  exit_actions+=("$1")
}

# The packages of these tiers (names of files in scripts/packages), without comments.
package_list() {
  local tier
  for tier; do
    [ -f "$top/scripts/packages/$tier.txt" ] || die "no list scripts/packages/$tier.txt"
    sed 's/#.*//' "$top/scripts/packages/$tier.txt"
  done | tr -s ' \n' '\n' | sed '/^$/d' | sort -u
}

missing_packages() {
  local package
  for package in $(package_list "$@"); do
    # dpkg knows names of packages that it only heard of: their status is not-installed.
    case " $(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null)" in
      *\ installed\ *) ;;
      *) say "$package" ;;
    esac
  done
}

# While a policy of 101 stands, no package starts a service. An existing policy is its owner's.
forbid_service_starts() {
  if [ -e "$policy_rc_d" ] || [ -L "$policy_rc_d" ]; then return 0; fi
  at_exit allow_service_starts
  (set -o noclobber && printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" > "$policy_rc_d") ||
    die "cannot write $policy_rc_d, which keeps packages from starting services"
  chmod 755 "$policy_rc_d"
}
allow_service_starts() {
  if grep -qsF "$policy_mark" "$policy_rc_d"; then rm -f "$policy_rc_d"; fi
}

apt_install() {
  # A machine that updates itself holds the lock now and then.
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 \
    "$@" < /dev/null
}

# apt_mirror RELEASE: where this machine's apt gets that release of Debian from; nothing if nowhere.
apt_mirror() {
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2> /dev/null |
    sed -n "s/ $1 main$//p" | head -n 1
}

# install_packages TIER...: afterwards all packages of these tiers are there.
install_packages() {
  command -v dpkg-query apt-get > /dev/null ||
    die "installs on Debian and Ubuntu only; install what scripts/packages/{$(IFS=,; say "$*")}.txt" \
      "name, then use --no-install"
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  missing=${missing//$'\n'/ }
  is_root || die "packages are missing: $missing; run with sudo, or: sudo apt-get install $missing"
  say "installing: $missing"
  forbid_service_starts
  # shellcheck disable=SC2086 # a list of words
  if ! apt_install --simulate install $missing > /dev/null 2>&1 || ! apt_install install $missing; then
    say "the package lists do not know them or are too old: apt-get update"
    apt-get -q update < /dev/null || die "apt-get update failed: is the network there?"
    # shellcheck disable=SC2086
    apt_install install $missing || die "apt-get could not install: $missing"
  fi
  allow_service_starts
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || die "still missing after installing: ${missing//$'\n'/ }"
}

# The user on whose behalf we are root; empty when that is nobody else.
calling_uid() {
  if is_root && [ "${SUDO_UID:-0}" -ne 0 ] && [ "$(stat -c %u "$top")" -eq "$SUDO_UID" ]; then
    say "$SUDO_UID"
  fi
}

# as_user COMMAND...: as the user who called sudo, if the tree is his; else as we are.
as_user() {
  local uid home cache=()
  uid=$(calling_uid)
  if [ -z "$uid" ]; then
    "$@"
    return
  fi
  home=$(getent passwd "$uid" | cut -d: -f6)
  [ -d "${home:-/nonexistent}" ] || cache=(CCACHE_DISABLE=1) # it would want to live there
  setpriv --reuid "$uid" --regid "${SUDO_GID:-$(id -g "$uid")}" --init-groups -- \
    env HOME="${home:-/}" USER="${SUDO_USER:-}" LOGNAME="${SUDO_USER:-}" \
    "${cache[@]}" "$@"
}

# What root left in the build folder (ctest's logs, an earlier build) goes to the user who called.
return_build_to_user() {
  local uid
  uid=$(calling_uid)
  if [ -n "$uid" ] && [ -d "$top/build" ]; then
    find "$top/build" -xdev -user 0 -exec chown -h "$uid:${SUDO_GID:-$(id -g "$uid")}" {} +
  fi
}
