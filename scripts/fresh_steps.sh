# shellcheck shell=bash disable=SC2154
# The steps of scripts/fresh-machine: each ends with 0 when the fresh machine did what README promises.
# inside, user, root, tests and jobs are the caller's.

# What a user of the machine could find afterwards that was not there before.
traces() {
  inside find / -xdev \( -path /home -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune \
    -o -type f -newer /tmp/before -print | sort
  sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo | awk '{print $3}' | sort
  ps -eo comm= | grep -vxE 'ps|grep|awk|sed|sort|bash|fresh-machine|sleep' | sort
}

step_test() {
  inside dpkg-query -W -f '${Package}\n' | sort > "$FENCEPOST_FRESH_ROOT/packages-before"
  user "sudo scripts/test -j $jobs ${tests:+-R '$tests'}" || return 1
  [ ! -e "$root/usr/sbin/policy-rc.d" ] || { say "policy-rc.d is left behind" && return 1; }
  local others
  others=$(find "$root/home/user/fencepost" -xdev ! -user "$(inside id -u user)" -print | head -n 3)
  [ -z "$others" ] || { say "not the user's: $others" && return 1; }
  # Nothing that a package brought may be running: no service was started.
  others=$(ps -eo comm= | grep -xE 'tgtd|ipmi_sim|openipmid|multipathd|iscsid|cron|dbus-daemon')
  [ -z "$others" ] || { say "still running: $others" && return 1; }
}

step_demo() {
  user "sudo scripts/demo" | tee "$FENCEPOST_FRESH_ROOT/demo" || return 1
  grep -q '^VERDICT: safe' "$FENCEPOST_FRESH_ROOT/demo" || return 1
  # Once more, with nothing to install: what is there afterwards that was not before?
  : > "$root/tmp/before"
  traces > "$FENCEPOST_FRESH_ROOT/before"
  user "sudo scripts/demo --scene 3" > "$FENCEPOST_FRESH_ROOT/demo" || return 1
  traces > "$FENCEPOST_FRESH_ROOT/after"
  diff "$FENCEPOST_FRESH_ROOT/before" "$FENCEPOST_FRESH_ROOT/after" ||
    { say "the demo left this behind" && return 1; }
}

step_user() {
  local log=$FENCEPOST_FRESH_ROOT/user
  user "cmake --preset dev > /dev/null && cmake --build --preset dev -j $jobs -- --quiet &&
    ctest --preset dev -j $jobs ${tests:+-R '$tests'} --output-on-failure" < /dev/null | tee "$log" || return 1
  # What needs root says so, and is not counted as passed.
  grep -q '(Skipped)' "$log" || [ "$tests" ] || { say "nothing was skipped: was it root?" && return 1; }
  user "scripts/test --no-install -j $jobs -R '^lab.selftest|^lab.split_brain|^unit.base_test'" | tee "$log"
  [ "${PIPESTATUS[0]}" -eq 0 ] && grep -q 'reason: this test needs root' "$log"
}

step_caps() {
  local code
  inside apt-get -q -y --no-install-recommends install python3 iproute2 > /dev/null 2>&1
  say "without CAP_SYS_ADMIN:"
  chroot "$root" setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
    /home/user/fencepost/tests/lab/selftest > "$FENCEPOST_FRESH_ROOT/caps" 2>&1
  code=$?
  cat "$FENCEPOST_FRESH_ROOT/caps"
  [ "$code" -eq 77 ] && grep -q 'it needs CAP_SYS_ADMIN' "$FENCEPOST_FRESH_ROOT/caps"
}

step_package() {
  local names
  user "sudo scripts/package -j $jobs" || return 1
  local at=/home/user/fencepost/build/packages
  # stonith and fence_ipmilan of others stand there first, and are back in the end.
  inside apt-get -q -y --no-install-recommends install cluster-glue > /dev/null || return 1
  local foreign
  foreign=$(md5sum < "$root/usr/sbin/stonith")
  inside sh -c "apt-get -q -y --no-install-recommends install $at/fencepost_*.deb $at/fencepost-commands_*.deb" \
    > "$FENCEPOST_FRESH_ROOT/apt" 2>&1 || { cat "$FENCEPOST_FRESH_ROOT/apt" && return 1; }
  names=$(inside dpkg -L fencepost fencepost-commands | grep -E '^/usr/(sbin|libexec/fencepost)/')
  local name
  for name in $names; do
    [[ $(inside "$name" --version 2>&1 || inside "$name" -V 2>&1) == *[0-9].[0-9]* ]] ||
      { say "$name does not say its version" && return 1; }
  done
  say "installed and run: ${names//$'\n'/ }"
  inside stonith --version | grep -q Fencepost || { say "/usr/sbin/stonith is not ours" && return 1; }
  inside fencepost check > "$FENCEPOST_FRESH_ROOT/check" 2>&1 && return 1 # there is no configuration yet
  grep -q /etc/fencepost/fencepost.toml "$FENCEPOST_FRESH_ROOT/check" || return 1
  inside apt-get -q -y purge fencepost fencepost-commands > "$FENCEPOST_FRESH_ROOT/apt" 2>&1 ||
    { cat "$FENCEPOST_FRESH_ROOT/apt" && return 1; }
  [ "$(md5sum < "$root/usr/sbin/stonith")" = "$foreign" ] || { say "cluster-glue's stonith is not back" && return 1; }
  for name in $names; do
    [ "$name" = /usr/sbin/stonith ] || [ ! -e "$root$name" ] || { say "$name is left behind" && return 1; }
  done
  [ -z "$(inside dpkg-divert --list '*fencepost*')" ]
}
