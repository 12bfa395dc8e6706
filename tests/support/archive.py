# SPDX-License-Identifier: Apache-2.0
"""Reads a ZIP with a password through the system's libarchive, which the program itself is linked with."""
import ctypes
import ctypes.util


class Refused(Exception):
    pass


def read_zip(data, password=None):
    """The members by name; raises Refused with libarchive's sentence."""
    library = ctypes.CDLL(ctypes.util.find_library("archive") or "libarchive.so.13")
    library.archive_read_new.restype = ctypes.c_void_p
    library.archive_entry_pathname.restype = ctypes.c_char_p
    library.archive_error_string.restype = ctypes.c_char_p
    library.archive_read_data.restype = ctypes.c_ssize_t
    handle = ctypes.c_void_p(library.archive_read_new())
    try:
        library.archive_read_support_format_zip(handle)
        if password is not None:
            library.archive_read_add_passphrase(handle, password.encode())
        library.archive_read_open_memory(handle, data, ctypes.c_size_t(len(data)))
        members = {}
        entry = ctypes.c_void_p()
        while (status := library.archive_read_next_header(handle, ctypes.byref(entry))) == 0:
            name = library.archive_entry_pathname(entry).decode()
            buffer = ctypes.create_string_buffer(1 << 16)
            content = b""
            while (count := library.archive_read_data(handle, buffer, ctypes.c_size_t(len(buffer)))) > 0:
                content += buffer.raw[:count]
            if count < 0:
                raise Refused((library.archive_error_string(handle) or b"").decode())
            members[name] = content
        if status != 1:
            raise Refused((library.archive_error_string(handle) or b"").decode())
        return members
    finally:
        library.archive_read_free(handle)
