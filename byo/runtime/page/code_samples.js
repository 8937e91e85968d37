// A request as a command of curl and as a program that uses boto3.

import { headers, path } from "./requests.js";

export function asCurl(request) {
  const lines = [`curl ${quoted(location.origin + path(request))}`];
  for (const [name, value] of Object.entries(headers(request))) lines.push(`--header ${quoted(`${name}: ${value}`)}`);
  lines.push(`--data-raw ${quoted(request.body)}`);
  return lines.join(" \\\n  ");
}

export function asBoto3(request) {
  const given = {
    EndpointName: request.endpoint,
    TargetVariant: request.variant,
    TargetModel: request.target,
    ContentType: request.contentType,
    Accept: request.accept,
  };
  const members = Object.entries(given).filter(([, value]) => value)
    .map(([name, value]) => `    ${name}=${literal(value)},\n`);
  return `import boto3

client = boto3.client(
    "sagemaker-runtime", endpoint_url=${literal(location.origin)}, region_name="us-east-1"
)
answer = client.invoke_endpoint(
${members.join("")}    Body=${literal(request.body)}.encode(),
)
print(answer["Body"].read().decode())
`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// What JSON writes of a text Python reads as the same text.
function literal(text) {
  return JSON.stringify(text);
}
