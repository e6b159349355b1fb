"""A machine's own writes to a shared disk, for what shuts it out: an iSCSI session that writes.

    disk_writer.py PORTAL IQN LUN NODE

Registrations belong to sessions. Where the kernel has the disk, `fence_scsi` acts through the kernel's
session, whose registration it takes and gives. Here nothing but this session writes, so it does what
the kernel's would have had done to it: when the key of NODE stands on the disk it is registered with it,
once each time it had been refused, and never when the key does not stand there.

Every change is one line on stdout: `accepted`, or `refused` (RESERVATION CONFLICT).
"""

import ctypes
import ctypes.util
import sys
import time

EVERY = 0.1
GOOD, CHECK_CONDITION, CONFLICT = 0, 2, 0x18
READ_KEYS, REGISTER_AND_IGNORE = 0, 6
BLOCK = 512
PLACE = 64  # the block that is written
MOST_KEYS = 64
CASTAGNOLI = 0x82F63B78


class Keys(ctypes.Structure):
    _fields_ = [
        ("generation", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
        ("number", ctypes.c_int),
        ("keys", ctypes.c_uint64 * MOST_KEYS),
    ]


class Order(ctypes.Structure):
    _fields_ = [
        ("key", ctypes.c_uint64),
        ("action_key", ctypes.c_uint64),
        ("spec_i_pt", ctypes.c_uint8),
        ("all_tg_pt", ctypes.c_uint8),
        ("aptpl", ctypes.c_uint8),
    ]


def key_of(node: str) -> int:
    """As fence_scsi makes it from a name."""
    crc = 0xFFFFFFFF
    for byte in node.encode():
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (CASTAGNOLI if crc & 1 else 0)
    return 0x46500000_00000000 | crc ^ 0xFFFFFFFF


class Session:
    def __init__(self, portal: str, iqn: str, lun: int, node: str) -> None:
        library = ctypes.util.find_library("iscsi")
        if library is None:
            sys.exit("libiscsi is not installed")
        self._lib = ctypes.CDLL(library)
        for name in ("create_context", "persistent_reserve_in_sync", "persistent_reserve_out_sync",
                     "write10_sync"):
            getattr(self._lib, f"iscsi_{name}").restype = ctypes.c_void_p
        self._lib.scsi_datain_unmarshall.restype = ctypes.c_void_p
        self._lib.iscsi_get_error.restype = ctypes.c_char_p
        self._lun, self._key = lun, key_of(node)
        name = f"iqn.2024-01.org.example.fencepost:host-{node}".encode()
        self._context = ctypes.c_void_p(self._lib.iscsi_create_context(name))
        self._lib.iscsi_set_targetname(self._context, iqn.encode())
        self._lib.iscsi_set_session_type(self._context, 2)  # normal, not discovery
        self._lib.iscsi_set_noautoreconnect(self._context, 1)
        if self._lib.iscsi_full_connect_sync(self._context, portal.encode(), lun) != 0:
            self._give_up()

    def _give_up(self) -> None:
        sys.exit(f"the disk: {self._lib.iscsi_get_error(self._context).decode()}")

    def _done(self, ask) -> tuple[int, ctypes.c_void_p]:
        """The status and the task, which the caller frees; a unit attention is asked again."""
        for _ in range(8):
            task = ctypes.c_void_p(ask())
            if not task:
                self._give_up()
            status = ctypes.cast(task, ctypes.POINTER(ctypes.c_int)).contents.value
            if status != CHECK_CONDITION:
                return status, task
            self._free(task)
        sys.exit("the disk has nothing but unit attentions")

    def _free(self, task: ctypes.c_void_p) -> None:
        self._lib.scsi_free_scsi_task(task)

    def write(self) -> int:
        data = ctypes.create_string_buffer(BLOCK)
        status, task = self._done(
            lambda: self._lib.iscsi_write10_sync(self._context, self._lun, PLACE, data, BLOCK, BLOCK,
                                                 0, 0, 0, 0, 0))
        self._free(task)
        return status

    def key_stands(self) -> bool:
        _, task = self._done(
            lambda: self._lib.iscsi_persistent_reserve_in_sync(self._context, self._lun, READ_KEYS,
                                                               8 + 8 * MOST_KEYS))
        told = ctypes.cast(self._lib.scsi_datain_unmarshall(task), ctypes.POINTER(Keys))
        keys = list(told.contents.keys[: told.contents.number]) if told else []
        self._free(task)
        return self._key in keys

    def register(self) -> None:
        order = Order(0, self._key, 0, 0, 0)
        _, task = self._done(
            lambda: self._lib.iscsi_persistent_reserve_out_sync(self._context, self._lun,
                                                                REGISTER_AND_IGNORE, 0, 0,
                                                                ctypes.byref(order)))
        self._free(task)


def main(portal: str, iqn: str, lun: str, node: str) -> None:
    session, said = Session(portal, iqn, int(lun), node), ""
    while True:
        status = session.write()
        state = {GOOD: "accepted", CONFLICT: "refused"}.get(status, f"status {status:#x}")
        if state != said:
            print(state, flush=True)
            said = state
        if status == CONFLICT and session.key_stands():
            session.register()
        time.sleep(EVERY)


if __name__ == "__main__":
    main(*sys.argv[1:])
