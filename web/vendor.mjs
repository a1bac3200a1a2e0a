// Copies what the server serves of the packages to engagement/api/vendor/, licences included.
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "engagement", "api", "vendor");

const files = {
  uplot: ["LICENSE", "dist/uPlot.iife.min.js", "dist/uPlot.min.css"],
  "swagger-ui-dist": [
    "LICENSE",
    "NOTICE",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
  ],
};

rmSync(target, { recursive: true, force: true });
for (const [name, paths] of Object.entries(files)) {
  mkdirSync(join(target, name), { recursive: true });
  for (const path of paths) {
    copyFileSync(join(here, "node_modules", name, path), join(target, name, path.split("/").pop()));
  }
}
