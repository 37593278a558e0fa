// SPDX-License-Identifier: MIT
import type { Picture } from '../src/model/messages';
import { Model } from '../src/model/model';
import type { Machine } from './machine';
import { Story } from './story';

/** The story's pictures; `each` is called after every one. */
export function play(each: (model: Model, picture: Picture, machine: Machine) => void): Model {
  const story = new Story();
  const model = new Model(story.machine.hello());
  const push = story.messages.push.bind(story.messages);
  story.messages.push = (...messages) => {
    for (const message of messages) {
      if (message.type !== 'picture') continue;
      model.apply(JSON.parse(JSON.stringify(message)) as Picture);
      each(model, message, story.machine);
    }
    return push(...messages);
  };
  story.tell();
  return model;
}
