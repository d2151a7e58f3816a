// The names of states and outcomes, as the contract lists them.
import type { ActionAnswer, AttemptView, ErrorLine, FailureText, RecordAnswer, StreamRun, SwitchSetting } from "./contract";

export type ErrorCode = FailureText["code"];
export type ErrorStatus = ErrorLine["status"];
export type ErrorKind = ErrorLine["error_class"];
export type AttemptOutcome = AttemptView["outcome"];
export type RunOutcome = StreamRun["outcome"];
export type RecordResult = RecordAnswer["result"];
export type WorkState = ActionAnswer["state"];
export type SettingKey = SwitchSetting["key"];
