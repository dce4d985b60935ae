// One row touches three contiguous things: w's block (o·s, read), the gradient block (o·s, read and written) and two
// vectors of o. It is bound by memory, so the two sums share one walk over p.

export function backwardRows(count: i32, user: usize, item: usize, slot: usize, fresh: i32, o: i32, s: i32, h: usize, w: usize, d: usize, g: usize, gBias: usize, dh: usize): void {
  const hRow = (<usize>o) << 2, row = (<usize>s) << 2, block = <usize>o * row;
  let last: i32 = -1;
  for (let r = 0; r < count; r++, user += 4, item += 4, slot += 4, d += row) {
    const u = <usize>load<u32>(user) * hRow, t = <usize>load<u32>(slot);
    const hu = h + u, dhu = dh + u, wi = w + <usize>load<u32>(item) * block, gt = g + t * block;
    const gb = gBias + t * row;
    // Here, where the slot is in the cache a moment later anyway, and not in a pass of its own.
    if (<i32>t >= fresh && <i32>t != last) {
      memory.fill(gt, 0, block);
      memory.fill(gb, 0, row);
    }
    last = <i32>t;
    if (s == 8) row8(o, hu, wi, d, gt, dhu);
    else if (s == 4) rowAny(o, 16, hu, wi, d, gt, dhu);
    else rowAny(o, row, hu, wi, d, gt, dhu);
    for (let c: usize = 0; c < row; c += 16) v128.store(gb + c, f32x4.add(v128.load(gb + c), v128.load(d + c)));
  }
}

/** s = 8, both halves of d in registers. */
function row8(o: i32, h: usize, w: usize, d: usize, g: usize, dh: usize): void {
  const d0 = v128.load(d), d1 = v128.load(d, 16);
  const end = h + ((<usize>o) << 2), end4 = h + ((<usize>(o & ~3)) << 2);
  for (; h < end4; h += 16, dh += 16, w += 128, g += 128) {
    const t0 = pair(w, d0, d1), t1 = pair(w + 32, d0, d1), t2 = pair(w + 64, d0, d1), t3 = pair(w + 96, d0, d1);
    v128.store(dh, f32x4.add(v128.load(dh), laneSums(t0, t1, t2, t3)));
    outer8(h, 0, d0, d1, g, 0);
    outer8(h, 4, d0, d1, g, 32);
    outer8(h, 8, d0, d1, g, 64);
    outer8(h, 12, d0, d1, g, 96);
  }
  for (; h < end; h += 4, dh += 4, w += 32, g += 32) {
    store<f32>(dh, load<f32>(dh) + laneSum(pair(w, d0, d1)));
    outer8(h, 0, d0, d1, g, 0);
  }
}

// @ts-ignore: decorator
@inline
function pair(w: usize, d0: v128, d1: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(w), d0), f32x4.mul(v128.load(w, 16), d1));
}

// @ts-ignore: decorator
@inline
function outer8(h: usize, hAt: usize, d0: v128, d1: v128, g: usize, gAt: usize): void {
  const x = v128.load32_splat(h + hAt), to = g + gAt;
  v128.store(to, f32x4.add(v128.load(to), f32x4.mul(x, d0)));
  v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(x, d1)), 16);
}

/** Any s, in chunks of four; `row` is s in bytes, a constant where the caller knows it. */
// @ts-ignore: decorator
@inline
function rowAny(o: i32, row: usize, h: usize, w: usize, d: usize, g: usize, dh: usize): void {
  const end = h + ((<usize>o) << 2), end4 = h + ((<usize>(o & ~3)) << 2);
  for (; h < end4; h += 16, dh += 16, w += row << 2, g += row << 2) {
    const x0 = v128.load32_splat(h), x1 = v128.load32_splat(h, 4), x2 = v128.load32_splat(h, 8), x3 = v128.load32_splat(h, 12);
    let t0 = f32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
    for (let c: usize = 0; c < row; c += 16) {
      const y = v128.load(d + c), wc = w + c, gc = g + c;
      t0 = f32x4.add(t0, f32x4.mul(v128.load(wc), y));
      t1 = f32x4.add(t1, f32x4.mul(v128.load(wc + row), y));
      t2 = f32x4.add(t2, f32x4.mul(v128.load(wc + row * 2), y));
      t3 = f32x4.add(t3, f32x4.mul(v128.load(wc + row * 3), y));
      v128.store(gc, f32x4.add(v128.load(gc), f32x4.mul(x0, y)));
      v128.store(gc + row, f32x4.add(v128.load(gc + row), f32x4.mul(x1, y)));
      v128.store(gc + row * 2, f32x4.add(v128.load(gc + row * 2), f32x4.mul(x2, y)));
      v128.store(gc + row * 3, f32x4.add(v128.load(gc + row * 3), f32x4.mul(x3, y)));
    }
    v128.store(dh, f32x4.add(v128.load(dh), laneSums(t0, t1, t2, t3)));
  }
  for (; h < end; h += 4, dh += 4, w += row, g += row) {
    const x = v128.load32_splat(h);
    let t = f32x4.splat(0);
    for (let c: usize = 0; c < row; c += 16) {
      const y = v128.load(d + c), gc = g + c;
      t = f32x4.add(t, f32x4.mul(v128.load(w + c), y));
      v128.store(gc, f32x4.add(v128.load(gc), f32x4.mul(x, y)));
    }
    store<f32>(dh, load<f32>(dh) + laneSum(t));
  }
}

/** The four lane sums of t0 … t3 as one vector; each is (x0 + x2) + (x1 + x3), as in laneSum. */
// @ts-ignore: decorator
@inline
function laneSums(t0: v128, t1: v128, t2: v128, t3: v128): v128 {
  const even = f32x4.add(v128.shuffle<f32>(t0, t2, 0, 4, 1, 5), v128.shuffle<f32>(t0, t2, 2, 6, 3, 7));
  const odd = f32x4.add(v128.shuffle<f32>(t1, t3, 0, 4, 1, 5), v128.shuffle<f32>(t1, t3, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(even, odd, 0, 4, 1, 5), v128.shuffle<f32>(even, odd, 2, 6, 3, 7));
}

// @ts-ignore: decorator
@inline
function laneSum(t: v128): f32 {
  return f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 2) + (f32x4.extract_lane(t, 1) + f32x4.extract_lane(t, 3));
}
