// The camera's picture, and on it, as if painted on the floor, where the robot is told to go.

const HEIGHT_M = 0.2, HALF_VIEW = 1.0;  // of the camera above the floor; tan of half its 90 degrees
const START_M = 0.72, FULL_M = 0.55, HALF_SHAFT_M = 0.035, HALF_HEAD_M = 0.09, HEAD_M = 0.16;
const COLOURS = { policy: "#56b4e9", operator: "#e69f00" };
const TURN_RAD = 1.9;  // of the arrow at full turn rate

export class Camera {
  constructor(canvas) {
    this.canvas = canvas;
    this.picture = null;
    this.told = {};
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  async show(jpeg) {
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    if (this.picture) this.picture.close();
    this.picture = picture;
  }

  // told: {plan: [[x, y, turn]] in shares of full speed, wheels: [x, y, turn], steered, armed}
  draw(told = this.told) {
    this.told = told;
    const canvas = this.canvas, scale = window.devicePixelRatio || 1;
    const wide = Math.round(canvas.clientWidth * scale);
    const high = Math.round(canvas.clientHeight * scale);
    if (!wide || !high) return;
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const pen = canvas.getContext("2d");
    if (!this.picture) return;
    pen.drawImage(this.picture, 0, 0, wide, high);
    if (!told.armed) return;
    const wheels = told.wheels, moves = Math.hypot(...wheels) > 0.02;
    const colour = told.steered ? COLOURS.operator : COLOURS.policy;
    if (moves) this.arrow(pen, [wheels], colour, true);
    else this.ring(pen, "#ffffffb0");
    if (told.plan && told.plan.length) {
      const wants = told.plan.some(row => Math.hypot(...row) > 0.02);
      if (wants) this.arrow(pen, told.plan, COLOURS.policy, false);
    }
  }

  // A point of the floor, metres ahead and to the left, in the canvas.
  project([ahead, left]) {
    const { width, height } = this.canvas, focal = width / 2 / HALF_VIEW;
    const far = Math.max(ahead, 0.2);
    return [width / 2 - left / far * focal, height / 2 + HEIGHT_M / far * focal];
  }

  arrow(pen, rows, colour, filled) {
    const turns = rows.every(row => Math.hypot(row[0], row[1]) < 0.05);
    const line = turns ? circle(rows[0][2]) : way(rows);
    const outline = ribbon(line).map(point => this.project(point));
    pen.beginPath();
    outline.forEach(([x, y], at) => at ? pen.lineTo(x, y) : pen.moveTo(x, y));
    pen.closePath();
    pen.lineJoin = "round";
    if (filled) {
      pen.globalAlpha = 0.72;
      pen.fillStyle = colour;
      pen.fill();
      pen.globalAlpha = 1;
    } else {
      pen.lineWidth = this.canvas.width / 150;
      pen.strokeStyle = "#0b1117a0";
      pen.stroke();
    }
    pen.lineWidth = this.canvas.width / (filled ? 700 : 260);
    pen.strokeStyle = filled ? "#ffffffd0" : colour;
    pen.stroke();
  }

  ring(pen, colour) {
    pen.beginPath();
    for (let at = 0; at <= 32; at++) {
      const angle = at / 16 * Math.PI;
      const [x, y] = this.project([START_M + 0.07 * Math.cos(angle), 0.07 * Math.sin(angle)]);
      if (at) pen.lineTo(x, y); else pen.moveTo(x, y);
    }
    pen.lineWidth = this.canvas.width / 260;
    pen.strokeStyle = colour;
    pen.stroke();
  }
}

// Where rows of a plan lead, step by step.
function way(rows) {
  let ahead = START_M, left = 0, yaw = 0;
  const line = [[ahead, left]];
  for (const [x, y, turn] of rows) {
    for (let part = 0; part < 4; part++) {
      yaw += turn * TURN_RAD / 4;
      ahead += (x * Math.cos(yaw) - y * Math.sin(yaw)) * FULL_M / 4;
      left += (x * Math.sin(yaw) + y * Math.cos(yaw)) * FULL_M / 4;
      line.push([ahead, left]);
    }
  }
  return line;
}

function circle(turn) {
  const line = [];
  for (let at = 0; at <= 16; at++) {
    const angle = at / 16 * turn * TURN_RAD;
    line.push([START_M - 0.12 + 0.24 * Math.cos(angle), 0.24 * Math.sin(angle)]);
  }
  return line;
}

// The outline of an arrow along a line, in metres.
function ribbon(line) {
  const length = line.slice(1).reduce((sum, point, at) => sum + distance(point, line[at]), 0);
  const head = Math.min(HEAD_M, length * 0.6), shaft = [];
  let gone = 0;
  for (let at = 0; at < line.length; at++) {
    if (at) gone += distance(line[at], line[at - 1]);
    if (gone <= length - head + 1e-6) shaft.push(at);
  }
  const left = [], right = [];
  for (const at of shaft) {
    left.push(beside(line, at, HALF_SHAFT_M));
    right.unshift(beside(line, at, -HALF_SHAFT_M));
  }
  const neck = shaft[shaft.length - 1], wing = HALF_HEAD_M * head / HEAD_M;
  return [...left, beside(line, neck, wing), line[line.length - 1], beside(line, neck, -wing), ...right];
}

function beside(line, at, by) {
  const from = line[Math.max(0, at - 1)], to = line[Math.min(line.length - 1, at + 1)];
  const [ahead, left] = [to[0] - from[0], to[1] - from[1]], length = Math.hypot(ahead, left) || 1;
  return [line[at][0] - left / length * by, line[at][1] + ahead / length * by];
}

function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
