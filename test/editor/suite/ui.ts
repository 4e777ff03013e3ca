/**
 * The editor's user interface for a suite: keys, clicks, what stands on the screen. Absent in a desktop
 * VS Code, which no browser drives; suites skip there what only a person could do.
 */
import type { UiAnswer, UiRequest } from '../driver.ts';

export class Ui {
  readonly #address: string;

  private constructor(address: string) {
    this.#address = address;
  }

  /** The driver of this run, or null on the desktop. */
  static here(): Ui | null {
    const address = process.env['GUESTSCOPE_UI'];
    return address ? new Ui(address) : null;
  }

  async call(request: UiRequest): Promise<unknown> {
    const response = await fetch(this.#address, { method: 'POST', body: JSON.stringify(request) });
    const answer = (await response.json()) as UiAnswer;
    if (!answer.ok) throw new Error(`${request.action}: ${answer.error}`);
    return answer.value;
  }

  async click(
    selector: string,
    options: { button?: 'left' | 'right'; count?: number } = {},
  ): Promise<void> {
    await this.call({ action: 'click', selector, ...options });
  }

  async press(keys: string): Promise<void> {
    await this.call({ action: 'press', keys });
  }

  async type(text: string): Promise<void> {
    await this.call({ action: 'type', text });
  }

  /** Waits until an element is visible that matches and contains the text. */
  async waitFor(selector: string, text?: string): Promise<void> {
    await this.call({ action: 'waitFor', selector, ...(text === undefined ? {} : { text }) });
  }

  async waitUntilGone(selector: string): Promise<void> {
    await this.call({ action: 'waitFor', selector, gone: true });
  }

  async texts(selector: string): Promise<readonly string[]> {
    return (await this.call({ action: 'texts', selector })) as string[];
  }

  async screenshot(name: string): Promise<string> {
    return (await this.call({ action: 'screenshot', name })) as string;
  }
}
