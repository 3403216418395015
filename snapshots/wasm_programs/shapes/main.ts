// AssemblyScript: classes with virtual methods, its garbage collector, maps, generics, strings and numbers as text.

abstract class Shape {
  constructor(public readonly name: string) {}
  abstract area(): f64;
  describe(): string {
    return this.name + " " + this.area().toString();
  }
}

class Circle extends Shape {
  constructor(private readonly radius: f64) {
    super("circle");
  }
  area(): f64 {
    return Math.PI * this.radius * this.radius;
  }
}

class Polygon extends Shape {
  constructor(private readonly points: f64[][]) {
    super("polygon of " + points.length.toString());
  }
  area(): f64 {
    let sum = 0.0;
    for (let i = 0; i < this.points.length; i++) {
      const a = this.points[i], b = this.points[(i + 1) % this.points.length];
      sum += a[0] * b[1] - a[1] * b[0];
    }
    return Math.abs(sum) / 2;
  }
}

class Tree<T> {
  left: Tree<T> | null = null;
  right: Tree<T> | null = null;
  constructor(public value: T) {}
  insert(value: T): void {
    if (value < this.value) {
      const left = this.left;
      if (left) left.insert(value);
      else this.left = new Tree<T>(value);
    } else {
      const right = this.right;
      if (right) right.insert(value);
      else this.right = new Tree<T>(value);
    }
  }
  walk(visit: (value: T) => void): void {
    const left = this.left, right = this.right;
    if (left) left.walk(visit);
    visit(this.value);
    if (right) right.walk(visit);
  }
}

const rounds = process.argv.length > 1 ? I32.parseInt(process.argv[1]) : 1;

const shapes: Shape[] = [new Circle(1.5), new Polygon([[0, 0], [4, 0], [4, 3]]), new Circle(1e-9)];
shapes.sort((a, b) => (a.area() < b.area() ? -1 : 1));
for (let i = 0; i < shapes.length; i++) console.log(shapes[i].describe());

// Trees and strings that become garbage.
let checksum: u32 = 0;
let previous: i32 = 0;
for (let round = 0; round < rounds; round++) {
  let seed: u32 = round + 1;
  const root = new Tree<i32>(1 << 15);
  for (let i = 0; i < 300; i++) {
    seed = seed * 1664525 + 1013904223;
    root.insert((seed >>> 16) as i32);
  }
  previous = -1;
  root.walk((value) => {
    assert(value >= previous);
    previous = value;
    const text = value.toString(16).padStart(6, "0");
    for (let i = 0; i < text.length; i++) checksum = (checksum ^ text.charCodeAt(i)) * 16777619;
  });
}
console.log("checksum " + checksum.toString(16));

const words = "der Bär und die Größe und der Bär und 😀".split(" ");
const counts = new Map<string, i32>();
for (let i = 0; i < words.length; i++) {
  counts.set(words[i], counts.has(words[i]) ? counts.get(words[i]) + 1 : 1);
}
const keys = counts.keys().sort();
console.log(keys.map<string>((key) => key + "=" + counts.get(key).toString()).join(", "));

console.log([0.1 + 0.2, 1e21, 5e-324, -0.0, 1.0 / 3, f64.MAX_VALUE, NaN, -Infinity].join(" "));
console.log([I64.parseInt("-9223372036854775808"), 1 << 40, i64.MAX_VALUE].join(" "));
console.log(Math.sin(1).toString() + " " + Math.pow(2, 0.5).toString() + " " + Math.exp(-1).toString());
console.log(Uint8Array.wrap(String.UTF8.encode("ä€😀")).join(",") + " " + "abc".toUpperCase().replaceAll("B", "-"));
console.error("end");
process.exit(3);
