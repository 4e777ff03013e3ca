/**
 * DAP over a TCP port: every connection is a session of its own, with its own machine in its own thread,
 * or one that another connection has left behind (guest-lot.ts).
 * Whoever connects may read the files of this user through launch configurations, so the port is open to
 * this computer alone unless another address is asked for.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { GuestLot } from '../machine/guest-lot.ts';
import type { GuestscopeSession } from '../session.ts';
import { connectStreams } from './transport.ts';

/** Sessions at once: each may hold some gigabytes. */
const MOST_SESSIONS = 16;

/**
 * @param ready fulfilled when the client can take more.
 * @param left called when the client has said goodbye and was answered.
 */
export type NewSession = (ready: () => Promise<void>, left: () => void) => GuestscopeSession;

export interface TcpServer {
  readonly host: string;
  readonly port: number;
  /** Sessions that live now. */
  sessions(): number;
  /** Ends all sessions and closes the port. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  readonly newSession: NewSession;
  /** Called each time that the last client has left. */
  readonly emptied?: () => void;
  /** Where the sessions' guests wait; ends with the server. */
  readonly lot?: GuestLot | null;
}

/** Listens. Rejects when the port cannot be had. */
export async function startServer({
  host,
  port,
  newSession,
  emptied = () => undefined,
  lot = null,
}: ServerOptions): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket, newSession, () => {
      sockets.delete(socket);
      if (sockets.size === 0) emptied();
    });
  });
  server.maxConnections = MOST_SESSIONS;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    host: address.family === 'IPv6' ? `[${address.address}]` : address.address,
    port: address.port,
    sessions: () => sockets.size,
    async close() {
      const closed = once(server, 'close');
      server.close();
      lot?.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serve(socket: Socket, newSession: NewSession, ended: () => void): void {
  // short messages that wait for one another
  socket.setNoDelay(true);
  const session: GuestscopeSession = newSession(
    () => transport.ready(),
    () => socket.destroySoon(),
  );
  const transport = connectStreams(
    socket,
    socket,
    (message) => session.handleMessage(message),
    () => {
      session.dispose();
      socket.destroy();
      ended();
    },
  );
  session.onDidSendMessage((message) => transport.send(message));
}
