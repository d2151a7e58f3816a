import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";

interface Props {
  title: string;
  back?: { to: string; label: string };
  aside?: ComponentChildren;
}

/** The heading of a view. It takes the focus, so that a screen reader announces it. */
export function Heading({ title, back, aside }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [title]);
  return (
    <header class="heading">
      {back && <a class="back" href={back.to}><Icon name="back" /> {back.label}</a>}
      <h2 ref={heading} tabIndex={-1}>{title} {aside}</h2>
    </header>
  );
}
