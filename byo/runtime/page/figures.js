// Figures as people read them.

export function count(value) {
  return Math.round(value).toLocaleString("en");
}

export function bytes(value) {
  if (value >= 1024 ** 3) return `${(value / 1024 ** 3).toFixed(2)} GB`;
  if (value >= 1024 ** 2) return `${(value / 1024 ** 2).toFixed(1)} MB`;
  return `${(value / 1024).toFixed(0)} KB`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : 0)} ms` : `${seconds.toFixed(1)} s`;
}

export function ago(seconds, now) {
  if (!seconds) return "never";
  const passed = Math.max(0, now - seconds);
  if (passed < 90) return `${passed.toFixed(0)} s ago`;
  return passed < 5400 ? `${(passed / 60).toFixed(0)} min ago` : `${(passed / 3600).toFixed(0)} h ago`;
}
