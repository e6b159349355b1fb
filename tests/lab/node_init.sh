#!/bin/sh
# Pid 1 of a node: builds the node's private view of the machine, runs its boot script, then reaps.
#
#   unshare --pid --fork --kill-child --mount --net --uts --ipc  sh node_init.sh NAME DISK LOGS [PATH...]
#
# Says "ready" on stdout when the view is built, waits on stdin until the cables are plugged, and
# says "rooted" when whoever enters the node finds its root.
# The root is an overlay on the machine's own, lost at power-off: a node cannot change a file of the
# host. What survives is DISK (bound to /var/lib/fencepost and /etc/fencepost) and LOGS. PATHs are
# shown read-only where they are (programs under test that stand on another mount or below /tmp).
# /dev holds only what is listed here: no watchdog, no IPMI, no disk, no kernel log of the host.
set -eu
name=$1 disk=$2 logs=$3
shift 3
stage=$disk/mnt
mount -t tmpfs -o mode=755 node "$stage"
mkdir "$stage/upper" "$stage/work" "$stage/root"
root=$stage/root
mount -t overlay -o "lowerdir=/,upperdir=$stage/upper,workdir=$stage/work" overlay "$root"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# These are not namespaced: what a node wrote there would reach the host's kernel.
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
for tree in kernel vm fs; do
  mount --bind "$root/proc/sys/$tree" "$root/proc/sys/$tree"
  mount -o remount,bind,ro "$root/proc/sys/$tree"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"

mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"

mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/tmp"
for path in "$@"; do
  mkdir -p "$root$path"
  mount --bind "$path" "$root$path"
  mount -o remount,bind,ro "$root$path"
done
mkdir -p "$root/var/lib/fencepost" "$root/etc/fencepost" "$root/var/log/fencepost"
mount --bind "$disk/var" "$root/var/lib/fencepost"
mount --bind "$disk/etc" "$root/etc/fencepost"
mount --bind "$logs" "$root/var/log/fencepost"
cp "$disk/boot.sh" "$stage/boot.sh"
mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
mkdir -p "$root/run/lock" "$root/run/resource-agents"
mv "$stage/boot.sh" "$root/run/fencepost-boot.sh"
cat "$root/proc/sys/kernel/random/uuid" >"$root/run/fencepost-boot-id"
hostname "$name"

echo ready
read -r _ # the cables
exec chroot "$root" /bin/sh -c '
  cd /
  echo rooted
  exec >>/var/log/fencepost/boot.log 2>&1 </dev/null
  echo "=== boot $(cat /run/fencepost-boot-id)"
  # The boot script starts once pid 1 reaps; it must not inherit an ignored SIGCHLD.
  (until [ "$(cat /proc/1/comm)" = sleep ]; do :; done; exec sh /run/fencepost-boot.sh) &
  exec env --ignore-signal=CHLD sleep infinity # the kernel reaps for it'
