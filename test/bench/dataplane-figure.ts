import { hundredth, median, type Figure } from '../../lab/figure';

/** A figure of the data plane: the median of its turns. */
export function dataplaneFigure(
  name: string,
  what: string,
  unit: string,
  values: readonly number[],
  routes?: number,
): Figure {
  const samples = values.map(hundredth);
  const figure = { name: `dataplane.${name}`, what, unit, value: hundredth(median(samples)), samples };
  return routes === undefined ? figure : { ...figure, routes };
}
