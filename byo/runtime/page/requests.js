// What the page asks of the server that it came from.

export async function askState() {
  const answer = await fetch("/-/state", { cache: "no-store" });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

// What a model takes, by its signature; null where it is not known.
export async function askSignature(endpoint, variant, target) {
  const query = new URLSearchParams({ endpoint, variant, target });
  const answer = await fetch(`/-/signature?${query}`, { cache: "no-store" });
  return answer.ok ? answer.json() : null;
}

export function path(request) {
  return `/endpoints/${encodeURIComponent(request.endpoint)}/invocations`;
}

// The headers that boto3 would send.
export function headers(request) {
  const given = {
    "Content-Type": request.contentType,
    Accept: request.accept,
    "X-Amzn-SageMaker-Target-Variant": request.variant,
    "X-Amzn-SageMaker-Target-Model": request.target,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
}

export async function invoke(request) {
  const started = performance.now();
  const answer = await fetch(path(request), {
    method: "POST",
    // Without an Accept of its own a browser asks for anything, as other clients do.
    headers: headers(request),
    body: request.body,
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return {
    status: answer.status,
    ok: answer.ok,
    milliseconds: performance.now() - started,
    contentType: answer.headers.get("content-type") || "",
    variant: answer.headers.get("x-amzn-invoked-production-variant") || "",
    error: answer.headers.get("x-amzn-errortype") || "",
    bytes,
  };
}
