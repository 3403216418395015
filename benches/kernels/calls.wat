;; Consecutive calls into the program and out of it. The memory has 64 KiB.
(module
  (import "host" "inc" (func $host_inc (param i64) (result i64)))
  (memory (export "memory") 1)

  (func (export "inc") (param i64) (result i64)
    (i64.add (local.get 0) (i64.const 1)))

  ;; Counts to n in the host.
  (func (export "with_calls") (param $left i64) (result i64)
    (local $count i64)
    (loop $next
      (local.set $count (call $host_inc (local.get $count)))
      (br_if $next (i64.ne (local.tee $left (i64.sub (local.get $left) (i64.const 1))) (i64.const 0))))
    (local.get $count))

  ;; The same loop without the call.
  (func (export "without_calls") (param $left i64) (result i64)
    (local $count i64)
    (loop $next
      (local.set $count (i64.add (local.get $count) (i64.const 1)))
      (br_if $next (i64.ne (local.tee $left (i64.sub (local.get $left) (i64.const 1))) (i64.const 0))))
    (local.get $count)))
