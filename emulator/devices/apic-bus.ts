/**
 * The bus between I/O APICs and local APICs (SDM vol. 3, 11.1 "Local and I/O APIC overview" and 11.6
 * "Issuing interprocessor interrupts"): interrupt messages one way, end-of-interrupt broadcasts the other.
 * Arbitration is immediate; lowest priority goes to the agent with the lowest processor priority, first
 * attached first.
 */

/** Delivery modes of ICR, LVT and I/O APIC redirection entries. */
export const DELIVERY_MODE = {
  fixed: 0,
  lowestPriority: 1,
  smi: 2,
  nmi: 4,
  init: 5,
  startUp: 6,
  extInt: 7,
} as const;

/** Destination of every agent in physical mode, and in logical mode with all bits set. */
export const BROADCAST = 0xff;

export interface ApicMessage {
  /** 8-bit APIC ID or message destination address. */
  readonly destination: number;
  readonly logical: boolean;
  readonly deliveryMode: number;
  readonly vector: number;
  /** Level triggered: the I/O APIC wants to hear of the end of this interrupt. */
  readonly level: boolean;
}

/** A local APIC, as the bus sees it. */
export interface ApicAgent {
  isDestination(destination: number, logical: boolean): boolean;
  /** Processor priority for lowest-priority arbitration, 0 (idle) to 255; Infinity: takes no part. */
  priority(): number;
  /** False when the message was refused. */
  accept(message: ApicMessage): boolean;
}

export class ApicBus {
  readonly #agents: ApicAgent[] = [];
  readonly #endListeners: ((vector: number) => void)[] = [];

  attach(agent: ApicAgent): void {
    this.#agents.push(agent);
  }

  /** I/O APICs hear the EOI broadcasts of level-triggered vectors. */
  onEndOfInterrupt(listener: (vector: number) => void): void {
    this.#endListeners.push(listener);
  }

  /** Delivers to every destination but `except`; true when somebody accepted. */
  send(message: ApicMessage, except?: ApicAgent): boolean {
    const targets = this.#agents.filter(
      (agent) => agent !== except && agent.isDestination(message.destination, message.logical),
    );
    if (message.deliveryMode === DELIVERY_MODE.lowestPriority && targets.length > 1) {
      const chosen = targets.reduce((lowest, agent) =>
        agent.priority() < lowest.priority() ? agent : lowest,
      );
      return chosen.accept(message);
    }
    let accepted = false;
    for (const agent of targets) accepted = agent.accept(message) || accepted;
    return accepted;
  }

  broadcastEndOfInterrupt(vector: number): void {
    for (const listener of this.#endListeners) listener(vector);
  }
}
