// Bundles a plugin in JavaScript or TypeScript, and makes a component of the bundle. `switchboard plugin build` runs it, and says
// what is where, as JSON in the first argument.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const { folder, entry, tools, sdk, wit, world, imports, exports, scratch, output } = JSON.parse(process.argv[2]);

/** Where each line of the bundle stands in the sources, from esbuild's source map. */
function linesOf(map) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const numbers = (segment) => {
    const found = [];
    for (let at = 0; at < segment.length; ) {
      let [value, shift, digit] = [0, 0, 0];
      do {
        digit = digits.indexOf(segment[at++]);
        value += (digit & 31) << shift;
        shift += 5;
      } while (digit & 32);
      found.push(value & 1 ? -(value >> 1) : value >> 1);
    }
    return found;
  };
  let [source, line] = [0, 0];
  const lines = map.mappings.split(";").map((segments) => {
    let first = [0, 0];
    for (const [, sources = 0, more = 0, ] of segments.split(",").map(numbers)) {
      source += sources;
      line += more;
      if (first[1] === 0) first = [source, line + 1];
    }
    return segments === "" ? [0, 0] : first;
  });
  return { sources: map.sources.map(shown), lines };
}

/** A source as its author knows it: from the plugin's folder, or from that of the SDK. */
function shown(name) {
  const whole = path.resolve(scratch, name);
  const inside = path.relative(sdk, whole);
  return inside.startsWith("..") ? path.relative(folder, whole) : path.join("switchboard", inside);
}

const word = (name) => name.replace("-", "_");
const camel = (name) => name.replace(/-(.)/, (_, letter) => letter.toUpperCase());
const start = [
  ...imports.map((name) => `import ${word(name)} from "switchboard:plugin/${name}@0.1.0";`),
  `import { component } from "switchboard/component";`,
  `import plugin from ${JSON.stringify(entry)};`,
  `const made = component(plugin, { ${imports.map((name) => `${JSON.stringify(name)}: ${word(name)}`).join(", ")} });`,
  `export const { ${exports.map(camel).join(", ")} } = made;`,
];

try {
  const { build } = createRequire(path.join(tools, "package.json"))("esbuild");
  const bundled = await build({
    stdin: { contents: start.join("\n"), resolveDir: folder, sourcefile: "component.js" },
    absWorkingDir: folder,
    alias: {
      switchboard: path.join(sdk, "index.ts"),
      "switchboard/component": path.join(sdk, "component.ts"),
      "switchboard/type": path.join(sdk, "type.ts"),
    },
    nodePaths: [path.join(tools, "node_modules")],
    external: ["switchboard:*"],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    sourcemap: "external",
    outfile: path.join(scratch, "bundle.js"),
    logLevel: "silent",
  });
  const text = (ending) => bundled.outputFiles.find((file) => file.path.endsWith(ending)).text;
  const lines = JSON.stringify(linesOf(JSON.parse(text(".js.map"))));
  const bundle = path.join(scratch, "bundle.js");
  fs.writeFileSync(bundle, `${text(".js")}\nglobalThis.__switchboardLines = ${lines};\n`);
  const tool = path.join(tools, "node_modules/componentize-qjs/bin/componentize-qjs");
  const args = ["--sync", "--wit", wit, "--world", world, "--js", bundle, "--output", output];
  execFileSync(process.execPath, [tool, ...args], { stdio: "pipe", encoding: "utf8" });
} catch (error) {
  console.error(`${error.stderr ?? ""}` || error.message);
  process.exit(1);
}
