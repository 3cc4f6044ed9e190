import { defineConfig } from "vitest/config";

// One ES module for Streamlit: no chunks and no hashes, so that the committed build can be compared byte for byte.
export default defineConfig({
  build: {
    lib: { entry: "src/stage.ts", formats: ["es"], fileName: () => "stage.js" },
    outDir: "../assets",
    emptyOutDir: false,
    copyPublicDir: false,
    target: "es2022",
    minify: true,
    cssCodeSplit: false, // styles are imported as strings (`./stage.css?inline`): the shadow root needs them inside
    rolldownOptions: { output: { codeSplitting: false, minify: true } }, // Vite alone keeps the blanks of a library
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
