export type { IocInput, IocOutput } from './context.ts';
export { ask, createIocEffects, refused, type Admitted, type Answered, type IocDoor, type IocEffects } from './effects.ts';
export type { Admission, IocEvent, OperatorOrder } from './events.ts';
export { createIocMachine, type IocDeps, type IocMachine } from './machine.ts';
export { breakerOptions, type BreakerOptions, type BreakerOptionsInput } from './options.ts';
export { breakerOf, channelTableOf, viewOf, type IocSnapshot } from './view.ts';
