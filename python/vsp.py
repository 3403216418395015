"""VSP for Python: runs untrusted programs, with exact fuel and states that can be saved.

    import vsp
    vsp.load("area.silc").call("area", 6, 7)

It uses the library libvsp.so of the C interface (docs/c.md), version 0.1: the one that the environment variable
VSP_LIBRARY names, or the one that the system finds. Numbers are registers: integers from 0 to 2**64 - 1. Negative
arguments are two's complements.
"""

import ctypes
import ctypes.util
import os
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p

__all__ = ["Error", "Instance", "Program", "Stopped", "Trapped", "assemble", "load"]

_MASK = 2**64 - 1
_NO_LIMIT = _MASK


class _Message(ctypes.Structure):
    _fields_ = [("text", c_char_p), ("room", c_size_t), ("length", c_size_t)]


class _Host(ctypes.Structure):
    pass


_FUNCTION = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_uint64), POINTER(c_uint64))
_Host._fields_ = [
    ("module", c_char_p), ("name", c_char_p), ("call", _FUNCTION), ("params", c_uint8), ("results", c_uint8),
]


class _Options(ctypes.Structure):
    _fields_ = [
        ("memory", c_uint64), ("memory_maximum", c_uint64), ("fuel", c_uint64), ("stack_cells", c_uint32),
        ("reserved", c_uint32),
    ]


class _Outcome(ctypes.Structure):
    _fields_ = [
        ("status", c_int32), ("count", c_uint32), ("values", c_uint64 * 4), ("function", c_uint32),
        ("word", c_uint32), ("trap", c_uint32), ("code", c_uint32),
    ]


def _library():
    path = os.environ.get("VSP_LIBRARY") or ctypes.util.find_library("vsp") or "libvsp.so.0.1"
    library = ctypes.CDLL(path)
    handle, message, outcome = c_void_p, POINTER(_Message), POINTER(_Outcome)
    creating = [POINTER(_Host), c_size_t, c_void_p, POINTER(_Options), message, POINTER(handle)]
    functions = {
        "vsp_load": [handle, c_char_p, c_size_t, c_uint32, message, POINTER(handle)],
        "vsp_load_text": [handle, c_char_p, c_char_p, message, POINTER(handle)],
        "vsp_load_wasm": [handle, c_char_p, c_size_t, message, POINTER(handle)],
        "vsp_engine_new": [c_uint32, message, POINTER(handle)],
        "vsp_engine_free": [handle],
        "vsp_program_free": [handle],
        "vsp_start_function": [handle, POINTER(c_uint32)],
        "vsp_instance_new": [handle, *creating],
        "vsp_restore": [handle, c_char_p, c_size_t, *creating],
        "vsp_instance_free": [handle],
        "vsp_call": [handle, c_char_p, POINTER(c_uint64), c_size_t, outcome],
        "vsp_call_function": [handle, c_uint32, POINTER(c_uint64), c_size_t, outcome],
        "vsp_resume": [handle, POINTER(c_uint64), c_size_t, outcome],
        "vsp_report": [handle, message],
        "vsp_interrupt": [handle],
        "vsp_clear_interrupt": [handle],
        "vsp_reset": [handle],
        "vsp_fuel": [handle, POINTER(c_int64)],
        "vsp_add_fuel": [handle, c_uint64],
        "vsp_read": [handle, c_uint64, c_char_p, c_size_t],
        "vsp_write": [handle, c_uint64, c_char_p, c_size_t],
        "vsp_save_size": [handle, POINTER(c_size_t)],
        "vsp_save": [handle, c_char_p, c_size_t, POINTER(c_size_t)],
        "vsp_caller_fail": [c_void_p, c_uint32, c_char_p],
    }
    for name, types in functions.items():
        function = getattr(library, name)
        function.argtypes = types
        function.restype = c_int32
    library.vsp_status_name.argtypes = [c_int32]
    library.vsp_status_name.restype = c_char_p
    library.vsp_version.restype = c_uint32
    if library.vsp_version() >> 8 != 1:
        raise ImportError(f"{path} is not libvsp 0.1")
    return library


_vsp = _library()


def _name(status):
    return _vsp.vsp_status_name(status).decode()


class Error(Exception):
    """A function was refused: `status` is its name, VSP_E_FILE for example."""

    def __init__(self, status, text=""):
        self.status = _name(status)
        super().__init__(f"{self.status}: {text}" if text else self.status)


class Trapped(Exception):
    """The program trapped, with this report."""


class Stopped(Exception):
    """The program did not return. `status` is VSP_HALTED, or the reason why it is suspended: VSP_OUT_OF_FUEL,
    VSP_INTERRUPTED, VSP_YIELDED; `value` is that of HLT or YIELD. Instance.resume goes on."""

    def __init__(self, status, value):
        self.status = _name(status)
        self.value = value
        super().__init__(self.status)


class _Room:
    """Room for a text of the library."""

    def __init__(self):
        self.buffer = ctypes.create_string_buffer(4096)
        self.message = _Message(ctypes.cast(self.buffer, c_char_p), len(self.buffer), 0)

    def text(self):
        return self.buffer.value.decode(errors="replace")


def _check(status, room=None):
    if status < 0:
        raise Error(status, room.text() if room else "")


def _registers(values):
    return (c_uint64 * len(values))(*(value & _MASK for value in values))


class Program:
    """A verified program, for any number of instances."""

    def __init__(self, handle):
        self._handle = handle

    def __del__(self):
        _vsp.vsp_program_free(self._handle)

    def instance(self, hosts=None, **options):
        """Creates an instance. `hosts` has host functions: {("log", "put"): (1, 0, print)}, each with its numbers of
        parameters and results. Options: fuel, memory, memory_maximum, stack_cells."""
        instance = Instance(self, hosts or {}, options, None)
        start = c_uint32()
        if _vsp.vsp_start_function(self._handle, byref(start)) == 0:
            instance._run(_vsp.vsp_call_function, start, _registers(()), 0)
        return instance

    def restore(self, saved, hosts=None, **options):
        """Creates an instance from what Instance.save returned."""
        return Instance(self, hosts or {}, options, saved)

    def call(self, name, *args, **options):
        """Calls an exported function in an instance of its own."""
        return self.instance(**options).call(name, *args)


class Instance:
    """A program with memory, globals, stack and fuel. One thread at a time uses it."""

    def __init__(self, program, hosts, options, saved):
        self._handle = c_void_p()
        self._program = program
        self._raised = None
        # The functions have to live as long as the instance.
        self._hosts = (_Host * len(hosts))(*(self._host(*name, *host) for name, host in hosts.items()))
        chosen = _Options(fuel=_NO_LIMIT)
        for name, value in options.items():
            if name not in ("fuel", "memory", "memory_maximum", "stack_cells"):
                raise TypeError(f"there is no option {name}")
            setattr(chosen, name, value)
        room = _Room()
        rest = (self._hosts, len(hosts), None, byref(chosen), byref(room.message), byref(self._handle))
        if saved is None:
            _check(_vsp.vsp_instance_new(program._handle, *rest), room)
        else:
            _check(_vsp.vsp_restore(program._handle, saved, len(saved), *rest), room)

    def __del__(self):
        _vsp.vsp_instance_free(self._handle)

    def _host(self, module, name, params, results, function):
        def call(caller, args, out):
            try:
                returned = function(*args[:params])
                returned = () if results == 0 else (returned,) if results == 1 else returned
                for index in range(results):
                    out[index] = returned[index] & _MASK
                return 0
            except BaseException as error:  # it is raised by the call of the instance
                self._raised = error
                return _vsp.vsp_caller_fail(caller, 0, str(error).encode().replace(b"\0", b"?"))

        return _Host(module.encode(), name.encode(), _FUNCTION(call), params, results)

    def _run(self, function, *args):
        outcome = _Outcome()
        self._raised = None
        status = function(self._handle, *args, byref(outcome))
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        _check(status)
        values = tuple(outcome.values[: outcome.count])
        if _name(status) == "VSP_TRAPPED":
            room = _Room()
            _vsp.vsp_report(self._handle, byref(room.message))
            raise Trapped(room.text())
        if status != 0:
            raise Stopped(status, values[0] if values else None)
        return None if not values else values[0] if len(values) == 1 else values

    def call(self, name, *args):
        """Calls an exported function. Returns None, a number, or a tuple of numbers. Raises Trapped or Stopped, and
        what a host function has raised."""
        return self._run(_vsp.vsp_call, name.encode(), _registers(args), len(args))

    def resume(self, *values):
        """Goes on with a suspended call: with one value after a YIELD, without otherwise."""
        return self._run(_vsp.vsp_resume, _registers(values), len(values))

    def reset(self):
        """Abandons a suspended call."""
        _check(_vsp.vsp_reset(self._handle))

    def interrupt(self):
        """Stops the program at its next safepoint, from any thread, until clear_interrupt is called."""
        _check(_vsp.vsp_interrupt(self._handle))

    def clear_interrupt(self):
        """Takes interrupt back."""
        _check(_vsp.vsp_clear_interrupt(self._handle))

    @property
    def fuel(self):
        """The balance of fuel."""
        fuel = c_int64()
        _check(_vsp.vsp_fuel(self._handle, byref(fuel)))
        return fuel.value

    def add_fuel(self, fuel):
        """Adds to the balance of fuel."""
        _check(_vsp.vsp_add_fuel(self._handle, fuel))

    def read(self, address, length):
        """Returns bytes of the memory."""
        buffer = ctypes.create_string_buffer(length)
        _check(_vsp.vsp_read(self._handle, address, buffer, length))
        return buffer.raw

    def write(self, address, data):
        """Stores bytes in the memory."""
        _check(_vsp.vsp_write(self._handle, address, bytes(data), len(data)))

    def save(self):
        """Returns the state as bytes: memory, globals, frames, fuel."""
        length = c_size_t()
        _check(_vsp.vsp_save_size(self._handle, byref(length)))
        buffer = ctypes.create_string_buffer(length.value)
        _check(_vsp.vsp_save(self._handle, buffer, length, byref(length)))
        return buffer.raw[: length.value]


def _loaded(load, engine, *args):
    kinds = ("auto", "interp", "tier1", "tier2")
    room, compiler, program = _Room(), c_void_p(), c_void_p()
    _check(_vsp.vsp_engine_new(kinds.index(engine), byref(room.message), byref(compiler)), room)
    try:
        _check(load(compiler, *args, byref(room.message), byref(program)), room)
    finally:
        _vsp.vsp_engine_free(compiler)
    return Program(program)


def load(file, engine="auto"):
    """Loads a program: a path or the bytes of a .silc file or of a WebAssembly module. The engine is auto, interp,
    tier1 or tier2."""
    if not isinstance(file, (bytes, bytearray)):
        with open(file, "rb") as opened:
            file = opened.read()
    file = bytes(file)
    if file.startswith(b"\0asm"):
        return _loaded(_vsp.vsp_load_wasm, engine, file, len(file))
    return _loaded(_vsp.vsp_load, engine, file, len(file), 0)


def assemble(text, file_name="text.sil", engine="auto"):
    """Assembles and loads a program."""
    return _loaded(_vsp.vsp_load_text, engine, text.encode(), file_name.encode())
