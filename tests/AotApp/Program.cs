// Runs a model that takes int64 inputs and gives one float output; writes the output's elements to a file.
//   AotApp MODEL OUTPUT-FILE ROWS COLUMNS [int8|exact]
using System.Globalization;
using System.Runtime.InteropServices;
using Lorq.Runtime;

string model = args[0];
int rows = int.Parse(args[2], CultureInfo.InvariantCulture);
int columns = int.Parse(args[3], CultureInfo.InvariantCulture);
long[] ones = new long[rows * columns];
Array.Fill(ones, 1);
long[] ids = new long[rows * columns];
for (int i = 0; i < ids.Length; i++)
{
    ids[i] = 7 * i % 400;
}

ActivationMode activations = args is [.., "int8"] ? ActivationMode.Int8 : ActivationMode.Exact;
using LorqSession session = LorqSession.Load(model, new() { Activations = activations, IntraOpThreads = 2 });
InputTensor[] inputs = [.. session.Inputs.Select((input, i) => InputTensor.Of(input.Name, i == 0 ? ids : ones, rows, columns))];
using LorqOutputs outputs = await session.RunAsync(inputs);
await File.WriteAllBytesAsync(args[1], MemoryMarshal.AsBytes(outputs[0].AsSpan<float>()).ToArray());

// Cancelled, disposed and wrong calls: exceptions cross AOT code as they should.
try
{
    session.Run([InputTensor.Of("nothing", ids, rows, columns)]).Dispose();
    return 1;
}
catch (InvalidTensorException e)
{
    Console.WriteLine(e.Message);
}
try
{
    await session.RunAsync(inputs, null, new CancellationToken(canceled: true));
    return 1;
}
catch (OperationCanceledException)
{
    Console.WriteLine($"{session.Provider} {LorqOperators.InstructionSet} verified={session.IsVerified} {session.Outputs[0]}");
}
return 0;
