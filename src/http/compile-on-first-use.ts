// Compiles the schemas of a route when a request first needs them: compiling all of them takes a quarter of a start. Used by server.ts.

import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import { build as buildSerializer, type Schema } from 'fast-json-stringify';
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';

export function compileSchemasOnFirstUse(
  app: Pick<FastifyInstance, 'setValidatorCompiler' | 'setSerializerCompiler'>,
): void {
  app.setValidatorCompiler(createValidatorCompiler());
  app.setSerializerCompiler(compileSerializer);
}

/** Rejects what does not have the form of the schema, and changes nothing. */
function createValidatorCompiler(): FastifySchemaCompiler<AnySchema> {
  let ajv: Ajv | undefined;
  const compile = (schema: AnySchema): ValidateFunction => {
    // Our own schemas need no check at run time: test/api/document.test.ts does it.
    ajv ??= new Ajv({ meta: false, validateSchema: false });
    return ajv.compile(schema);
  };
  return ({ schema }) => {
    let compiled: ValidateFunction | undefined;
    const validate: ReturnType<FastifySchemaCompiler<AnySchema>> = (data) => {
      compiled ??= compile(schema);
      const valid = compiled(data);
      validate.errors = compiled.errors ?? null;
      return valid;
    };
    return validate;
  };
}

const compileSerializer: FastifySerializerCompiler<Schema> = ({ schema }) => {
  let serialize: ((data: unknown) => string) | undefined;
  return (data) => {
    serialize ??= buildSerializer(schema);
    return serialize(data);
  };
};
