// Faults, not style: what a line means is checked here, its types by `tsc` (tsconfig.json).
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";

export default defineConfig([
  { ignores: [".venv/", "var/", "screenshots/", ".ci/", "**/templates/"] },
  {
    files: ["**/static/**/*.js", "faceauth/local/**/*.js"],
    extends: [js.configs.recommended],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-alert": "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-expressions": "error",
      "no-var": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      "require-atomic-updates": "off", // takes every field that an event handler sets for a race
    },
  },
]);
