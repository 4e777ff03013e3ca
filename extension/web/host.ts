/** The door of a view's page to the extension: messages both ways, and state that survives hiding. */

interface EditorApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): EditorApi;

export interface Host<In, Out> {
  send(message: Out): void;
  /** What was last remembered, or undefined. */
  recall(): unknown;
  remember(state: unknown): void;
  onMessage(listener: (message: In) => void): void;
}

/** To be called once; the editor hands out its door only once. */
export function connectHost<In, Out>(): Host<In, Out> {
  const editor = acquireVsCodeApi();
  return {
    send: (message) => editor.postMessage(message),
    recall: () => editor.getState(),
    remember: (state) => editor.setState(state),
    onMessage: (listener) => {
      window.addEventListener('message', (event: MessageEvent<In>) => listener(event.data));
    },
  };
}

/** A new element with class, text and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  content: string | readonly Node[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (typeof content === 'string') made.textContent = content;
  else made.append(...content);
  return made;
}
