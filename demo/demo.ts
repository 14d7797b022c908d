/** What a demonstration is to main.ts: a stage that is set, and scenes that are played on it, one after the other. */
import { errorText } from '../src/net/error-text';
import type { Lab } from '../lab/lab';
import type { Reporter } from './scenes/report';

/** Figures that a later scene, or the summary, needs. */
export interface Figures {
  /** TCP through the vASIC, bits per second. */
  throughVasic?: number;
  /** TCP through a plain Linux router. */
  throughLinux?: number;
  /** The longest time that a flow of a failed ECMP path went nowhere, in milliseconds. */
  failoverMs?: number;
}

export interface Demo {
  /** Sets the stage and plays the scenes; figures for the summary are noted. */
  readonly play: (lab: Lab, report: Reporter, figures: Figures) => Promise<void>;
  /** Commands to look around with, where it is left running: what is typed, and what it shows. */
  readonly lookAround: readonly (readonly [command: string, shows: string])[];
}

/** A scene on a stage of this kind. */
export interface SceneOn<S> {
  readonly title: string;
  /** Without its checks the scenes after it would show nothing: they are left out when one fails. */
  readonly essential?: boolean;
  readonly play: (stage: S) => Promise<void>;
}

/** Plays the scenes to their ends; what keeps one from it is a check that failed. */
export async function playScenes<S extends { readonly report: Reporter }>(
  stage: S,
  scenes: readonly SceneOn<S>[],
): Promise<void> {
  const { report } = stage;
  for (const scene of scenes) {
    report.scene(scene.title);
    try {
      await scene.play(stage);
    } catch (error) {
      await cannot(report, 'the scene could be played to its end', error);
    }
    if (scene.essential === true && report.checks().some((check) => !check.ok)) {
      report.say('The scenes after this one are left out.');
      return;
    }
  }
}

/** Reports what went wrong where no check looked. */
export function cannot(report: Reporter, name: string, error: unknown): Promise<boolean> {
  const observed = errorText(error);
  return report.expect({ name, command: 'make demo', look: () => ({ ok: false, observed }) });
}
