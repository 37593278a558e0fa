// SPDX-License-Identifier: MIT
// The page is built into one file, so that the server, a replay and an export hand out the same.
import { createReadStream } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

/** `GAUR_RECORDING=file npm run dev` shows that recording. */
const recording: Plugin = {
  name: 'gaur-recording',
  configureServer(server) {
    server.middlewares.use('/recording', (_request, response) => {
      const path = process.env['GAUR_RECORDING'];
      response.statusCode = path ? 200 : 404;
      if (path) createReadStream(path).pipe(response);
      else response.end();
    });
  },
};

export default defineConfig({
  plugins: [recording, viteSingleFile({ removeViteModuleLoader: true })],
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true, reportCompressedSize: false },
});
