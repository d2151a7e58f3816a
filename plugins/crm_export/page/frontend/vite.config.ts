// Builds src/ into ../static/, with the fixed names that index.html loads. Nothing is fetched at run time.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  publicDir: "public",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's content security policy allows no data: URLs
    modulePreload: false,
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      input: "src/main.tsx",
      output: { entryFileNames: "app.js", assetFileNames: "app.[ext]", codeSplitting: false },
    },
  },
});
