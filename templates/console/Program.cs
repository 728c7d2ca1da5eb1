using System.Numerics.Tensors;
using System.Text;
using Models;

// Says which words look most like what was typed: dotnet run -- neurla netwrok
//
// The build compresses Models/trigrams.onnx and makes the class Trigrams from its signature. To call a model of your own, put
// it into Models and name it in the project file: its inputs and outputs become properties as they are here.
string[] words =
[
    "activation",
    "attention",
    "backpropagation",
    "batch",
    "calibration",
    "compression",
    "convolution",
    "embedding",
    "gradient",
    "inference",
    "kernel",
    "layer",
    "matrix",
    "neural network",
    "normalization",
    "perplexity",
    "quantization",
    "rank",
    "tensor",
    "token",
    "transformer",
    "vector",
    "weight",
];
string typed = args.Length > 0 ? string.Join(' ', args) : "quantizaton";

using Trigrams model = Trigrams.Load();
float[] wanted = Embed(typed);
Console.WriteLine($"'{typed}' looks like");
foreach (
    (string word, float likeness) in words.Select(w => (w, TensorPrimitives.Dot(wanted, Embed(w)))).OrderByDescending(p => p.Item2).Take(3)
)
{
    Console.WriteLine($"  {likeness, 5:F2}  {word}");
}

// The words' direction in a space where those that share groups of three letters lie close together.
float[] Embed(string word)
{
    string text = $" {word.ToLowerInvariant()} ";
    long[] ids = [.. Enumerable.Range(0, text.Length - 2).Select(i => Id(text.AsSpan(i, 3)))];
    TrigramsOutput output = model.Run(new() { Ids = Tensor.Create(ids, [ids.Length]) });
    return [.. output.Embedding];
}

// The table's row for three letters, by their FNV-1a hash (Fowler, Noll, Vo).
static long Id(ReadOnlySpan<char> letters)
{
    uint hash = 2166136261;
    foreach (byte b in Encoding.UTF8.GetBytes(letters.ToArray()))
    {
        hash = (hash ^ b) * 16777619;
    }
    return hash % 1024;
}
