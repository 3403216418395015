//! Layout of flow graphs: a layered drawing, from top to bottom.
//!
//! As usual for such graphs (Sugiyama, Tagawa, Toda, 1981): edges that close loops are reversed, every box gets a layer
//! below its predecessors, edges that cross layers get a point in each, boxes and points of a layer are ordered by the
//! mean of their neighbours, and then moved towards these as far as their order allows.

/// Gaps between boxes of a layer, between layers, and next to an arrow.
const BOX_GAP: f64 = 24.0;
const LAYER_GAP: f64 = 64.0;
const ARROW_GAP: f64 = 12.0;
/// Width of a self-loop to the right of its box.
const SELF_LOOP: f64 = 18.0;

/// Number of passes of ordering and moving, downwards and upwards.
const PASSES: usize = 10;

/// Maximum number of points of edges in all layers; with more there is no layout.
const MAX_POINTS: usize = 200_000;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A layout, with its upper left corner at 0, 0.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) size: Size,
    /// The upper left corners of the boxes.
    pub(crate) corners: Vec<Point>,
    /// For every edge the points on its path, from start to end.
    pub(crate) paths: Vec<Vec<Point>>,
}

/// A box, or a point of an edge.
#[derive(Clone, Debug, Default)]
struct Item {
    width: f64,
    layer: usize,
    /// The horizontal centre.
    x: f64,
    above: Vec<usize>,
    below: Vec<usize>,
    is_point: bool,
}

struct Drawing<'d> {
    sizes: &'d [Size],
    edges: &'d [(usize, usize)],
    /// Whether the edge is reversed.
    reversed: Vec<bool>,
    /// The boxes, followed by the points.
    items: Vec<Item>,
    /// For every edge its items from top to bottom; only one box for a self-loop.
    chains: Vec<Vec<usize>>,
    layers: Vec<Vec<usize>>,
    /// The upper and the lower end of every layer.
    bands: Vec<(f64, f64)>,
}

impl Layout {
    /// Lays out boxes, the first of which is the entry, and the edges between them. Returns `None` if the layout would
    /// be too large.
    pub(crate) fn new(sizes: &[Size], edges: &[(usize, usize)]) -> Option<Layout> {
        let order = Order::new(sizes.len(), edges);
        let mut drawing = Drawing {
            sizes,
            edges,
            reversed: order.reversed,
            items: Vec::new(),
            chains: Vec::new(),
            layers: Vec::new(),
            bands: Vec::new(),
        };
        drawing.add_boxes(&order.boxes);
        drawing.add_points()?;
        drawing.order_layers();
        drawing.place_items();
        Some(drawing.finish())
    }
}

/// A topological order of the boxes, after reversing some edges.
struct Order {
    boxes: Vec<usize>,
    reversed: Vec<bool>,
}

impl Order {
    /// Computes the order by depth-first search, from the entry and then from all boxes that were not reached.
    fn new(count: usize, edges: &[(usize, usize)]) -> Order {
        let mut outgoing: Vec<Vec<usize>> = vec![Vec::new(); count];
        edges.iter().enumerate().for_each(|(edge, (from, _))| outgoing[*from].push(edge));
        let mut reversed = vec![false; edges.len()];
        let (mut seen, mut done) = (vec![false; count], vec![false; count]);
        let mut boxes = Vec::with_capacity(count);
        for root in 0..count {
            if std::mem::replace(&mut seen[root], true) {
                continue;
            }
            let mut path = vec![(root, 0)];
            while let Some((at, next)) = path.last_mut() {
                let Some(edge) = outgoing[*at].get(*next).copied() else {
                    done[*at] = true;
                    boxes.push(*at);
                    path.pop();
                    continue;
                };
                *next += 1;
                let to = edges[edge].1;
                reversed[edge] = seen[to] && !done[to];
                if !std::mem::replace(&mut seen[to], true) {
                    path.push((to, 0));
                }
            }
        }
        boxes.reverse();
        Order { boxes, reversed }
    }
}

impl Drawing<'_> {
    /// Returns the ends of an edge, from top to bottom.
    fn ends(&self, edge: usize) -> (usize, usize) {
        let (from, to) = self.edges[edge];
        if self.reversed[edge] { (to, from) } else { (from, to) }
    }

    /// Assigns layers to boxes: one below the lowest predecessor.
    fn add_boxes(&mut self, order: &[usize]) {
        let item = |size: &Size| Item { width: size.width, ..Item::default() };
        self.items = self.sizes.iter().map(item).collect();
        let mut predecessors: Vec<Vec<usize>> = vec![Vec::new(); self.sizes.len()];
        for edge in 0..self.edges.len() {
            let (from, to) = self.ends(edge);
            if from == to {
                self.items[from].width = self.sizes[from].width + 2.0 * SELF_LOOP;
            } else {
                predecessors[to].push(from);
            }
        }
        for at in order {
            let above = predecessors[*at].iter().map(|from| self.items[*from].layer + 1).max();
            self.items[*at].layer = above.unwrap_or(0);
        }
        let count = self.items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
        self.layers = vec![Vec::new(); count];
        order.iter().for_each(|at| self.layers[self.items[*at].layer].push(*at));
    }

    /// Adds a point to each layer that an edge crosses.
    fn add_points(&mut self) -> Option<()> {
        for edge in 0..self.edges.len() {
            let (from, to) = self.ends(edge);
            let mut chain = vec![from];
            for layer in self.items[from].layer + 1..self.items[to].layer {
                if self.items.len() - self.sizes.len() == MAX_POINTS {
                    return None;
                }
                let point = self.items.len();
                self.items.push(Item { width: ARROW_GAP, layer, is_point: true, ..Item::default() });
                self.layers[layer].push(point);
                chain.push(point);
            }
            if from != to {
                chain.push(to);
            }
            for pair in chain.windows(2) {
                self.items[pair[0]].below.push(pair[1]);
                self.items[pair[1]].above.push(pair[0]);
            }
            self.chains.push(chain);
        }
        Some(())
    }

    /// Orders the items of every layer by the mean position of their neighbours.
    fn order_layers(&mut self) {
        (0..self.layers.len()).for_each(|index| self.number_layer(index));
        for round in 0..PASSES {
            let downwards = round % 2 == 0;
            for index in self.indices(downwards) {
                let mut keyed: Vec<(f64, usize)> = self.layers[index]
                    .iter()
                    .map(|item| (self.wanted(*item, downwards).unwrap_or(self.items[*item].x), *item))
                    .collect();
                keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
                self.layers[index] = keyed.into_iter().map(|(_, item)| item).collect();
                self.number_layer(index);
            }
        }
    }

    /// Sets the positions of items to their index in the layer, while layers are ordered.
    fn number_layer(&mut self, index: usize) {
        for (index, item) in self.layers[index].iter().enumerate() {
            self.items[*item].x = index as f64;
        }
    }

    /// Returns the indices of the layers, downwards or upwards.
    fn indices(&self, downwards: bool) -> Vec<usize> {
        let count = self.layers.len();
        if downwards { (0..count).collect() } else { (0..count).rev().collect() }
    }

    /// Returns the mean position of the neighbours in the preceding layer.
    fn wanted(&self, item: usize, downwards: bool) -> Option<f64> {
        let item = &self.items[item];
        let neighbours = if downwards { &item.above } else { &item.below };
        let sum: f64 = neighbours.iter().map(|neighbour| self.items[*neighbour].x).sum();
        (!neighbours.is_empty()).then(|| sum / neighbours.len() as f64)
    }

    /// Moves the items of every layer towards their neighbours, and computes the ends of the layers.
    fn place_items(&mut self) {
        for layer in &self.layers {
            let mut right = 0.0;
            for item in layer {
                let item = &mut self.items[*item];
                item.x = right + item.width / 2.0;
                right += item.width + BOX_GAP;
            }
        }
        for round in 0..2 * PASSES {
            let downwards = round % 2 == 0;
            for index in self.indices(downwards) {
                self.move_layer(index, downwards);
            }
        }
        let left = self.items.iter().map(|item| item.x - item.width / 2.0).fold(f64::INFINITY, f64::min);
        self.items.iter_mut().for_each(|item| item.x -= left);
        let mut top = 0.0;
        for layer in &self.layers {
            let heights = layer.iter().filter_map(|item| self.sizes.get(*item)).map(|size| size.height);
            let bottom = top + heights.fold(0.0, f64::max);
            self.bands.push((top, bottom));
            top = bottom + LAYER_GAP;
        }
    }

    /// Moves the items of a layer as near to their wanted positions as their order allows: the least sum of squares,
    /// found by pooling neighbours that want to pass each other. Points weigh more, so that long edges become straight.
    fn move_layer(&mut self, index: usize, downwards: bool) {
        /// Items that touch: the mean wanted position of the first, their weight and their number.
        struct Pool {
            mean: f64,
            weight: f64,
            count: usize,
        }
        let layer = &self.layers[index];
        // The positions when all items touch; relative to these, separated items have increasing numbers.
        let mut offsets = Vec::with_capacity(layer.len());
        let mut right = 0.0;
        for item in layer {
            let width = self.items[*item].width;
            offsets.push(right + width / 2.0);
            right += width + BOX_GAP;
        }
        let mut pools: Vec<Pool> = Vec::new();
        for (item, offset) in layer.iter().zip(&offsets) {
            let wanted = self.wanted(*item, downwards).unwrap_or(self.items[*item].x);
            let weight = if self.items[*item].is_point { 4.0 } else { 1.0 };
            let mut pool = Pool { mean: wanted - offset, weight, count: 1 };
            while let Some(last) = pools.pop_if(|last| last.mean > pool.mean) {
                let weight = last.weight + pool.weight;
                let mean = (last.mean * last.weight + pool.mean * pool.weight) / weight;
                pool = Pool { mean, weight, count: last.count + pool.count };
            }
            pools.push(pool);
        }
        let means = pools.iter().flat_map(|pool| std::iter::repeat_n(pool.mean, pool.count));
        for ((item, offset), mean) in layer.iter().zip(&offsets).zip(means) {
            self.items[*item].x = mean + offset;
        }
    }

    fn finish(self) -> Layout {
        let corners: Vec<Point> = self
            .sizes
            .iter()
            .zip(&self.items)
            .map(|(size, item)| Point { x: item.x - size.width / 2.0, y: self.bands[item.layer].0 })
            .collect();
        let ports = self.ports();
        let paths = (0..self.edges.len()).map(|edge| self.path(edge, &corners, &ports)).collect();
        let width = self.items.iter().map(|item| item.x + item.width / 2.0).fold(0.0, f64::max);
        let height = self.bands.last().map_or(0.0, |(_, bottom)| *bottom);
        Layout { size: Size { width, height }, corners, paths }
    }

    /// Returns the positions at which each edge leaves its upper and enters its lower box: the edges share a side, in
    /// the order of their next items.
    fn ports(&self) -> Vec<(f64, f64)> {
        let mut sides: Vec<[Vec<(f64, usize)>; 2]> = vec![Default::default(); self.sizes.len()];
        for (edge, chain) in self.chains.iter().enumerate() {
            if let [first, second, ..] = chain[..] {
                sides[first][1].push((self.items[second].x, edge));
            }
            if let [.., before, last] = chain[..] {
                sides[last][0].push((self.items[before].x, edge));
            }
        }
        let mut ports = vec![(0.0, 0.0); self.edges.len()];
        for (at, mut sides) in sides.into_iter().enumerate() {
            let left = self.items[at].x - self.sizes[at].width / 2.0;
            for (side, edges) in sides.iter_mut().enumerate() {
                edges.sort_by(|(one, _), (other, _)| one.total_cmp(other));
                let step = self.sizes[at].width / (edges.len() + 1) as f64;
                for (index, (_, edge)) in edges.iter().enumerate() {
                    let x = left + step * (index + 1) as f64;
                    let port = &mut ports[*edge];
                    if side == 1 { port.0 = x } else { port.1 = x }
                }
            }
        }
        ports
    }

    /// Returns the points of an edge, in its direction.
    fn path(&self, edge: usize, corners: &[Point], ports: &[(f64, f64)]) -> Vec<Point> {
        let chain = &self.chains[edge];
        let bottom = |at: usize| corners[at].y + self.sizes[at].height;
        let [first, .., last] = chain[..] else {
            let at = chain[0];
            let right = corners[at].x + self.sizes[at].width;
            let (low, high) = (bottom(at) - 8.0, corners[at].y + 8.0);
            let beside = right + SELF_LOOP;
            return [(right, low), (beside, low), (beside, high), (right, high)]
                .map(|(x, y)| Point { x, y })
                .into();
        };
        // Straight down first, past taller boxes.
        let x = ports[edge].0;
        let mut path = vec![Point { x, y: bottom(first) }];
        let band = self.bands[self.items[first].layer].1;
        if band > bottom(first) {
            path.push(Point { x, y: band });
        }
        for point in &chain[1..chain.len() - 1] {
            let (top, bottom) = self.bands[self.items[*point].layer];
            let x = self.items[*point].x;
            path.extend([Point { x, y: top }, Point { x, y: bottom }]);
        }
        path.push(Point { x: ports[edge].1, y: corners[last].y });
        if self.reversed[edge] {
            path.reverse();
        }
        path
    }
}
