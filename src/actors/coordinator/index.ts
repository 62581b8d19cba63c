export { createCoordinator, type CoordinatorDeps } from './coordinator.ts';
