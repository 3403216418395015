"""Tests of the module: VSP_LIBRARY=…/libvsp.so python3 -m unittest test_vsp"""

import unittest

import vsp

SOURCE = """
.import host.ask (1) -> 1
.export ask
.export divide
.export pair
.export spin
.export yield
.data text "hello"
.func ask (1) -> 1
    SYSCALL host.ask
    RET
.end
.func divide (2) -> 1
    DIV     R0, R0, R1
    RET
.end
.func pair (2) -> 2
    XCHG    R0, R1
    RET
.end
.func spin (1) -> 1
again:
    ADDI    R1, R1, 1
    LOOP    R0, again
    MOV     R0, R1
    RET
.end
.func yield (1) -> 1
    YIELD   R0
    RET
.end
"""


class Tests(unittest.TestCase):
    def setUp(self):
        self.program = vsp.assemble(SOURCE, "test.sil")
        self.hosts = {("host", "ask"): (1, 1, lambda value: value * 2)}

    def test_calls(self):
        instance = self.program.instance(self.hosts)
        self.assertEqual(instance.call("ask", 21), 42)
        self.assertEqual(instance.call("pair", 1, -1), (2**64 - 1, 1))
        self.assertEqual(self.program.call("divide", -6, 3, hosts=self.hosts), 2**64 - 2)

    def test_errors(self):
        instance = self.program.instance(self.hosts)
        with self.assertRaisesRegex(vsp.Trapped, "division by zero\n  at function divide"):
            instance.call("divide", 1, 0)
        with self.assertRaisesRegex(vsp.Error, "VSP_E_NOT_FOUND"):
            instance.call("nothing")
        with self.assertRaisesRegex(vsp.Error, "VSP_E_IMPORT: .*host.ask"):
            self.program.instance()
        with self.assertRaisesRegex(vsp.Error, "VSP_E_FILE"):
            vsp.load(b"nothing")
        with self.assertRaisesRegex(vsp.Error, "VSP_E_WASM"):
            vsp.load(b"\0asm")
        with self.assertRaisesRegex(vsp.Error, "line 1"):
            vsp.assemble("nothing")
        with self.assertRaises(TypeError):
            self.program.instance(self.hosts, speed=1)

    def test_what_a_host_function_raises_is_raised(self):
        def ask(value):
            raise KeyError(value)

        instance = self.program.instance({("host", "ask"): (1, 1, ask)})
        with self.assertRaises(KeyError):
            instance.call("ask", 1)
        self.assertEqual(instance.call("pair", 1, 2), (2, 1))

    def test_slices_and_states(self):
        for engine in ("auto", "interp"):
            program = vsp.assemble(SOURCE, "test.sil", engine)
            instance = program.instance(self.hosts, fuel=100)
            with self.assertRaises(vsp.Stopped) as stopped:
                instance.call("spin", 1000)
            self.assertEqual(stopped.exception.status, "VSP_OUT_OF_FUEL")
            self.assertLessEqual(instance.fuel, 0)
            instance.write(0, b"J")
            saved = instance.save()
            other = program.restore(saved, self.hosts, fuel=10000)
            self.assertEqual(other.resume(), 1000)
            self.assertEqual(other.read(0, 5), b"Jello")
            instance.reset()
            instance.add_fuel(1000)
            with self.assertRaises(vsp.Stopped) as stopped:
                instance.call("yield", 7)
            self.assertEqual((stopped.exception.status, stopped.exception.value), ("VSP_YIELDED", 7))
            self.assertEqual(instance.resume(8), 8)
            instance.interrupt()
            with self.assertRaises(vsp.Stopped):
                instance.call("spin", 10)
            instance.clear_interrupt()
            self.assertEqual(instance.resume(), 10)
            with self.assertRaisesRegex(vsp.Error, "VSP_E_BOUNDS"):
                instance.read(2**40, 1)


if __name__ == "__main__":
    unittest.main()
