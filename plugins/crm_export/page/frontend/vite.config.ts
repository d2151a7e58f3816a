// Builds src/ into ../static/, with the fixed names that index.html asks for. Nothing is fetched at run time.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  publicDir: "public",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy admits no data: addresses
    modulePreload: false,
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      input: "src/main.tsx",
      output: { entryFileNames: "app.js", assetFileNames: "app.[ext]", codeSplitting: false },
    },
  },
});
