//! Zig's standard library: integers of any size, hashes, JSON, hash tables, allocation, checked arithmetic, and numbers
//! wider than 64 bits.
const std = @import("std");

const Shape = union(enum) {
    circle: f64,
    rectangle: struct { width: f64, height: f64 },
    nothing,

    fn area(self: Shape) f64 {
        return switch (self) {
            .circle => |radius| std.math.pi * radius * radius,
            .rectangle => |it| it.width * it.height,
            .nothing => 0,
        };
    }
};

const Failure = error{TooLarge};

fn checked(a: i32, b: i32) Failure!i32 {
    return std.math.mul(i32, a, b) catch Failure.TooLarge;
}

pub fn main() !void {
    var gpa: std.heap.GeneralPurposeAllocator(.{}) = .init;
    defer std.debug.assert(gpa.deinit() == .ok);
    const allocator = gpa.allocator();
    var buffer: [256]u8 = undefined;
    var stdout = std.fs.File.stdout().writer(&buffer);
    const out = &stdout.interface;
    defer out.flush() catch {};

    var in_buffer: [64]u8 = undefined;
    var stdin = std.fs.File.stdin().reader(&in_buffer);
    const input = try stdin.interface.allocRemaining(allocator, .unlimited);
    defer allocator.free(input);

    var digest: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(input, &digest, .{});
    try out.print("sha256 {x}\n", .{digest});
    std.crypto.hash.Blake3.hash(input, &digest, .{});
    try out.print("blake3 {x}\n", .{digest});
    try out.print("crc32 {x:0>8} adler32 {x:0>8} wyhash {x}\n", .{
        std.hash.Crc32.hash(input), std.hash.Adler32.hash(input), std.hash.Wyhash.hash(7, input),
    });

    var factorial = try std.math.big.int.Managed.initSet(allocator, 1);
    defer factorial.deinit();
    var factor = try std.math.big.int.Managed.init(allocator);
    defer factor.deinit();
    for (1..101) |n| {
        try factor.set(n);
        try factorial.mul(&factorial, &factor);
    }
    const text = try factorial.toString(allocator, 10, .lower);
    defer allocator.free(text);
    try out.print("100! = {s}\n", .{text});

    var a: u128 = 1;
    var b: i256 = -1;
    var f: f128 = 1;
    for (1..30) |n| {
        a = a *% (0x9E3779B97F4A7C15F39CC0605CEDC835 +% @as(u128, n));
        b = @divFloor(b *% 0x1_0000_0001, 3) - @as(i256, n);
        f += 1 / @as(f128, @floatFromInt(n * n));
    }
    try out.print("{d} {d} {d}\n{d} {d:.6} {e}\n", .{
        a / 1_000_000_007, a % 1_000_000_007, @popCount(a), b, @as(f64, @floatCast(f)), @as(f64, 1) / 3,
    });

    const Document = struct { name: []const u8, values: []const f64, nested: ?struct { deep: bool } = null };
    const parsed = try std.json.parseFromSlice(Document, allocator,
        \\{"name": "größe \u00e4\n", "values": [1, 2.5, -3e-7, 1e21], "nested": {"deep": true}}
    , .{});
    defer parsed.deinit();
    try out.print("{f}\n", .{std.json.fmt(parsed.value, .{})});

    var counts: std.AutoHashMap(u8, u32) = .init(allocator);
    defer counts.deinit();
    for (input) |byte| {
        const entry = try counts.getOrPutValue(byte, 0);
        entry.value_ptr.* += 1;
    }
    var keys: std.ArrayList(u8) = .empty;
    defer keys.deinit(allocator);
    var iterator = counts.keyIterator();
    while (iterator.next()) |key| try keys.append(allocator, key.*);
    std.mem.sort(u8, keys.items, {}, std.sort.asc(u8));
    for (keys.items) |key| try out.print("{d}:{d} ", .{ key, counts.get(key).? });
    try out.print("\n", .{});

    const shapes = [_]Shape{ .{ .circle = 1.5 }, .{ .rectangle = .{ .width = 2, .height = 0.25 } }, .nothing };
    var sum: f64 = 0;
    for (shapes) |shape| sum += shape.area();
    try out.print("{d:.12} {d} {s}\n", .{
        sum,
        try checked(46340, 46340),
        if (checked(46341, 46341)) |_| "fits" else |failure| @errorName(failure),
    });
    const saturated: i8 = @as(i8, 100) +| @as(i8, @intCast(input.len % 100 + 28));
    try out.print("{d} {d} {d}\n", .{ saturated, @bitReverse(@as(u24, 0x123456)), @clz(@as(u37, 5)) });
    try out.flush();
    if (input.len == 0) std.process.exit(7);
}
