/** A debug session on this computer: files of its disks, the machine in a thread of this process. */
import { nodeFiles } from '../host/files-node.ts';
import { nodeScheduler } from '../host/scheduler-node.ts';
import { GuestscopeSession } from '../session.ts';
import { cacheFolder, FolderStore } from '../symbols/index-store-node.ts';
import { machineWorker, startThread } from '../worker-node.ts';

/** @param entry import.meta.url of the program's entry file, which lies beside the worker's. */
export function nodeSession(entry: string): GuestscopeSession {
  return new GuestscopeSession({
    startWorker: () => startThread(machineWorker(entry)),
    files: nodeFiles,
    scheduler: nodeScheduler,
    indexStore: new FolderStore(cacheFolder()),
  });
}
