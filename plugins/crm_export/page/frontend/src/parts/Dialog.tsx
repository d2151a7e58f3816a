// A modal dialog: the browser's own, which traps the focus, closes on Escape and restores the focus.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  wide?: boolean;
  /** Shown at the edge of the window, as high as its content. */
  side?: boolean;
  /** The buttons. */
  foot: ComponentChildren;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, wide, side, foot, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("[data-focus]")?.focus();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={wide ? "wide" : side ? "side" : undefined} aria-labelledby={`${id}-title`} aria-describedby={`${id}-body`}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="dialog-body" id={`${id}-body`}>{children}</div>
      <div class="dialog-foot">{foot}</div>
    </dialog>
  );
}
