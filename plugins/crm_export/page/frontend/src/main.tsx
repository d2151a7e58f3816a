import { render } from "preact";
import { LiveProvider } from "./api/live";
import { App } from "./app";
import { enter } from "./route";
import { followTheme } from "./theme";
import "./style/page.css";

followTheme();
enter();
const place = document.getElementById("page");
if (place) render(<LiveProvider><App /></LiveProvider>, place);
