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

  /** Clicks the first element that matches; `view` as in driver.ts. */
  async click(
    selector: string,
    options: { button?: 'left' | 'right'; count?: number; view?: string } = {},
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
  async waitFor(selector: string, options: { text?: string; view?: string } = {}): Promise<void> {
    await this.call({ action: 'waitFor', selector, ...options });
  }

  async waitUntilGone(selector: string): Promise<void> {
    await this.call({ action: 'waitFor', selector, gone: true });
  }

  async texts(selector: string, view?: string): Promise<readonly string[]> {
    const value = await this.call({ action: 'texts', selector, ...(view && { view }) });
    return value as string[];
  }

  /** Runs a command of the palette by its title, as a person would. */
  async command(title: string): Promise<void> {
    await this.press('F1');
    await this.waitFor('.quick-input-widget input');
    await this.type(title);
    await this.waitFor('.quick-input-list .monaco-list-row', { text: title });
    await this.press('Enter');
  }

  async screenshot(name: string): Promise<string> {
    return (await this.call({ action: 'screenshot', name })) as string;
  }
}
