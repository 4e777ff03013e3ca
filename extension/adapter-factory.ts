/**
 * Gives the editor its debug adapter: the session object in the extension host, whose machine runs in a
 * worker of its own, or, by the setting guestscope.adapter, the same session as a process that speaks
 * over its standard streams. A guest that waits at a server is reached there.
 */
import { pathToFileURL } from 'node:url';
import * as vscode from 'vscode';
import { nodeFiles } from '../debug-adapter/host/files-node.ts';
import { nodeScheduler } from '../debug-adapter/host/scheduler-node.ts';
import { GuestscopeSession } from '../debug-adapter/session.ts';
import { FolderStore } from '../debug-adapter/symbols/index-store-node.ts';
import { startThread } from '../debug-adapter/worker-node.ts';
import { connectToServer, startAdapterProcess } from './adapter-streams.ts';
import { editorAdapter, type MessageEnd } from './editor-adapter.ts';
import { DEBUG_TYPE } from './guest-session.ts';

export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  readonly #dist: vscode.Uri;
  /** Folder of indexes of debugging information. */
  readonly #indexes: string;

  constructor({ extensionUri, globalStorageUri }: vscode.ExtensionContext) {
    this.#dist = vscode.Uri.joinPath(extensionUri, 'dist');
    this.#indexes = vscode.Uri.joinPath(globalStorageUri, 'symbols').fsPath;
  }

  async createDebugAdapterDescriptor({
    configuration,
  }: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor> {
    return new vscode.DebugAdapterInlineImplementation(
      editorAdapter(await this.#end(configuration)),
    );
  }

  async #end({ request, host, port }: vscode.DebugConfiguration): Promise<MessageEnd> {
    if (request === 'attach' && typeof port === 'number')
      return connectToServer(typeof host === 'string' ? host : '127.0.0.1', port);
    const setting = vscode.workspace.getConfiguration(DEBUG_TYPE).get<string>('adapter');
    return setting === 'process' ? startAdapterProcess(this.#file('adapter.cjs')) : this.#here();
  }

  #here(): MessageEnd {
    const worker = pathToFileURL(this.#file('machine-worker.cjs'));
    return new GuestscopeSession({
      startWorker: () => startThread(worker),
      files: nodeFiles,
      scheduler: nodeScheduler,
      indexStore: new FolderStore(this.#indexes),
    });
  }

  #file(name: string): string {
    return vscode.Uri.joinPath(this.#dist, name).fsPath;
  }
}
