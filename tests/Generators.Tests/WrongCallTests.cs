using Lorq.Runtime.Tests.Sessions;
using Microsoft.CodeAnalysis.CSharp;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Generators.Tests;

/// <summary>Every wrong call that compiles ends in the exception that the documentation names, with the model's names in it.</summary>
public class WrongCallTests
{
    private const string Good = "new() { A = T(1, 4), B = T(1, 4) }";
    private const string Cancelled = "new CancellationToken(true)";

    /// <summary>Calls on a model <c>sum = a·scale + b</c> with a and b [batch, 4]; the exception that each ends in, and a part of its message.</summary>
    private static readonly (string Call, string Exception, string Message)[] wrong =
    [
        // Wrong rank, wrong fixed dimension, dimensions of one name that disagree, dimensions of optional inputs.
        ("sum.Run(new() { A = T(4), B = T(1, 4) })", "InvalidTensorException", "rank 1"),
        ("sum.Run(new() { A = T(1, 4, 1), B = T(1, 4) })", "InvalidTensorException", "rank 3"),
        ("sum.Run(new() { A = T(1, 4), B = T(1, 5) })", "InvalidTensorException", "dimension 1 is 5, not 4"),
        ("sum.Run(new() { A = T(1, 4), B = T(2, 4) })", "InvalidTensorException", "dimension 0 is 'batch', which is 1 in input 'a'"),
        ("sum.Run(new() { A = T(1, 4), B = T(1, 4), Scale = T(2) })", "InvalidTensorException", "dimension 0 is 2, not 1"),
        ("sum.RunAsync(new() { A = T(1, 4), B = T(2, 4) }).GetAwaiter().GetResult()", "InvalidTensorException", "'batch'"),
        ("sum.RunInto(new() { A = T(1, 4), B = T(2, 4) }, new() { Sum = T(1, 4) })", "InvalidTensorException", "'batch'"),
        (
            "sum.RunIntoAsync(new() { A = T(1, 4), B = T(2, 4) }, new() { Sum = T(1, 4) }).GetAwaiter().GetResult()",
            "InvalidTensorException",
            "'batch'"
        ),
        ("sum.RunSpans(T(1, 4), T(2, 4))", "InvalidTensorException", "'batch'"),
        ("sum.RunSpans(T(1, 4), T(1, 4, 1))", "InvalidTensorException", "rank 3"),
        ("sum.RunBatches(new SumInput[] { new() { A = T(1, 4), B = T(2, 4) } }).ToList()", "InvalidTensorException", "'batch'"),
        // Empty where it may not be; not dense.
        ("sum.Run(new() { A = Tensor.Create(new float[0]), B = T(1, 4) })", "InvalidTensorException", "rank 1"),
        ("sum.Run(new() { A = T(1, 0), B = T(1, 4) })", "InvalidTensorException", "dimension 1 is 0, not 4"),
        ("sum.RunSpans(T(1, 4), default)", "InvalidTensorException", "'b'"),
        ("sum.Run(new() { A = T(2, 4), B = Tensor.Create(new float[16], [2, 4], [8, 2]) })", "InvalidTensorException", "not dense"),
        // Null.
        ("sum.Run(null!)", "ArgumentNullException", "input"),
        ("sum.Run(new() { A = null!, B = T(1, 4) })", "InvalidTensorException", "Input 'a' of the model is missing"),
        ("sum.RunAsync(null!).GetAwaiter().GetResult()", "ArgumentNullException", "input"),
        ("sum.RunInto(null!, new() { Sum = T(1, 4) })", "ArgumentNullException", "input"),
        ($"sum.RunInto({Good}, null!)", "ArgumentNullException", "buffers"),
        ($"sum.RunIntoAsync({Good}, null!).GetAwaiter().GetResult()", "ArgumentNullException", "buffers"),
        ("sum.RunBatches(null!)", "ArgumentNullException", "samples"),
        ("sum.RunBatches(new SumInput[] { null! }).ToList()", "ArgumentNullException", "input"),
        ("Sum.Load((string)null!)", "ArgumentNullException", "path"),
        ("Sum.Load((Stream)null!)", "ArgumentNullException", "model"),
        // Buffers: none, too small, too large, in a fixed and in a free dimension, in memory with room.
        ($"sum.RunInto({Good}, new())", "ArgumentException", "No output is given a buffer"),
        ($"sum.RunInto({Good}, new() {{ Sum = T(1, 3) }})", "InvalidTensorException", "buffer for output 'sum'"),
        ($"sum.RunInto({Good}, new() {{ Sum = T(1, 5) }})", "InvalidTensorException", "dimension 1 is 5, not 4"),
        ($"sum.RunInto({Good}, new() {{ Sum = T(4) }})", "InvalidTensorException", "rank 1"),
        ($"sum.RunInto({Good}, new() {{ Sum = T(0, 4) }})", "InvalidTensorException", "which is 1 in input 'a'"),
        ($"sum.RunInto({Good}, new() {{ Sum = T(2, 4) }})", "InvalidTensorException", "which is 1 in input 'a'"),
        (
            $"sum.RunIntoAsync({Good}, new() {{ Twice = T(2, 4) }}).GetAwaiter().GetResult()",
            "InvalidTensorException",
            "buffer for output 'twice'"
        ),
        ($"sum.RunInto({Good}, new() {{ Sum = Tensor.Create(new float[16], [2, 4], [8, 2]) }})", "InvalidTensorException", "not dense"),
        // Disposed.
        ($"sum.Dispose(); sum.Run({Good})", "ObjectDisposedException", ""),
        ($"sum.Dispose(); sum.RunAsync({Good}).GetAwaiter().GetResult()", "ObjectDisposedException", ""),
        ($"sum.Dispose(); sum.RunInto({Good}, new() {{ Sum = T(1, 4) }})", "ObjectDisposedException", ""),
        ($"sum.Dispose(); sum.RunIntoAsync({Good}, new() {{ Sum = T(1, 4) }}).GetAwaiter().GetResult()", "ObjectDisposedException", ""),
        ("sum.Dispose(); sum.RunSpans(T(1, 4), T(1, 4))", "ObjectDisposedException", ""),
        ("sum.Dispose(); sum.RunBatches(new SumInput[0])", "ObjectDisposedException", ""),
        (
            $"IEnumerable<SumOutput> all = sum.RunBatches(new SumInput[] {{ {Good}, {Good} }}, maxSize: 1); foreach (SumOutput y in all) {{ sum.Dispose(); }}",
            "ObjectDisposedException",
            ""
        ),
        ("sum.Dispose(); sum.LoadAdapter(Sum.Adapters.Broken)", "ObjectDisposedException", ""),
        ("SumSpans y = sum.RunSpans(T(1, 4), T(1, 4)); y.Dispose(); _ = y.Sum.FlattenedLength", "ObjectDisposedException", ""),
        // Cancelled.
        ($"sum.Run({Good}, {Cancelled})", "OperationCanceledException", ""),
        ($"sum.RunAsync({Good}, {Cancelled}).GetAwaiter().GetResult()", "OperationCanceledException", ""),
        ($"sum.RunInto({Good}, new() {{ Sum = T(1, 4) }}, {Cancelled})", "OperationCanceledException", ""),
        ($"sum.RunSpans(T(1, 4), T(1, 4), cancellationToken: {Cancelled})", "OperationCanceledException", ""),
        ($"sum.RunBatches(new SumInput[] {{ {Good} }}, cancellationToken: {Cancelled}).ToList()", "OperationCanceledException", ""),
        // Adapters, sizes, files.
        ("sum.Run(new() { A = T(1, 4), B = T(1, 4), Adapters = [\"none\"] })", "ArgumentException", "No adapter 'none' is loaded"),
        ("sum.Run(new() { A = T(1, 4), B = T(1, 4), Adapters = [null!] })", "ArgumentNullException", ""),
        ("sum.RunSpans(T(1, 4), T(1, 4), adapters: [\"none\"])", "ArgumentException", "No adapter 'none' is loaded"),
        ("sum.LoadAdapter(\"none\")", "FileNotFoundException", "none.onnx_adapter"),
        ("sum.LoadAdapter(\"broken\")", "OnnxRuntimeException", ""),
        ("sum.RunBatches(new SumInput[0], maxSize: 0)", "ArgumentOutOfRangeException", ""),
        ("Sum.Load()", "FileNotFoundException", "model.onnx"),
        ("Sum.Load(\"none.onnx\")", "FileNotFoundException", "none.onnx"),
        ("Sum.Load(new MemoryStream(new byte[] { 1, 2, 3 }))", "OnnxRuntimeException", ""),
        ("Sum.Load(new MemoryStream(model), new() { ManifestPath = \"none.json\" })", "ManifestException", "none.json"),
        ("Sum.Load(new MemoryStream(model), new() { Providers = [] })", "ArgumentException", "no execution provider"),
        // Right after all: nothing to do, names of dimensions left alone.
        ("if (sum.Run(new() { A = T(0, 4), B = T(0, 4) }).Sum.FlattenedLength == 0) throw new Done()", "Done", ""),
        ("if (sum.RunSpans(T(0, 4), T(0, 4)).Sum.FlattenedLength == 0) throw new Done()", "Done", ""),
        (
            "using Sum free = Sum.Load(new MemoryStream(model), new() { CheckDimensionNames = false }); free.Run(new() { A = T(1, 4), B = T(2, 4) }); throw new Done()",
            "Done",
            ""
        ),
    ];

    [Fact]
    public void WrongCallsEndAsDocumented()
    {
        File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "broken.onnx_adapter"), "x");
        byte[] model = ModelBuilder.Sum();
        Expect(
            wrong,
            "using Sum sum = Sum.Load(new MemoryStream(model));",
            new Project().With("/p/sum.lorq.json", ManifestText.Of(model), "LorqVisibility=public", "LorqAdapters=legal/broken"),
            model
        );
    }

    /// <summary>Before C# 11 nothing asks for the properties of a record.</summary>
    [Fact]
    public void RecordsThatNobodyFilledLackTheirTensors()
    {
        byte[] model = ModelBuilder.Sum();
        Expect(
            [
                ("sum.Run(new SumInput())", "InvalidTensorException", "Input 'a' of the model is missing"),
                ("sum.Run(default!)", "ArgumentNullException", "input"),
                ("sum.RunBatches(new[] { new SumInput() }).ToList()", "InvalidTensorException", "Input 'a' of the model is missing"),
            ],
            "using Sum sum = Sum.Load(new MemoryStream(model));",
            new Project { Language = LanguageVersion.CSharp9 }.With("/p/sum.lorq.json", ManifestText.Of(model), "LorqVisibility=public"),
            model
        );
    }

    [Fact]
    public void StepsOfADecoderAreCheckedToo()
    {
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "2", "batch")
            .Input("past_0", DataType.Float, "batch", "past", "3")
            .Node("Identity", "present_0", "past_0")
            .Node("Identity", "y", "x")
            .Output("present_0", DataType.Float, "batch", "total", "3")
            .Output("y", DataType.Float, "2", "batch")
            .Bytes();
        Expect(
            [
                ("DecoderInput.Start(null!)", "InvalidTensorException", "Input 'x' is missing"),
                ("DecoderInput.Start(T(2))", "InvalidTensorException", "has no dimension 1"),
                ("decoder.Run(DecoderInput.Start(T(2, 1)) with { X = T(2, 2) })", "InvalidTensorException", "'batch'"),
                (
                    "decoder.Run(decoder.Run(DecoderInput.Start(T(2, 1))).Next(null!))",
                    "InvalidTensorException",
                    "Input 'x' of the model is missing"
                ),
                ("decoder.Run(decoder.Run(DecoderInput.Start(T(2, 1))).Next(T(2, 2)))", "InvalidTensorException", "'batch'"),
            ],
            "using Decoder decoder = Decoder.Load(new MemoryStream(model));",
            new Project().With("/p/decoder.lorq.json", ManifestText.Of(model), "LorqVisibility=public"),
            model
        );
    }

    /// <summary>Threads that run while another disposes: each call ends with its outputs or says that the model is disposed, and those that had begun end normally.</summary>
    [Fact]
    public void AModelIsDisposedWhileItRuns()
    {
        var project = new Project
        {
            Code = """
                using System;
                using System.IO;
                using System.Linq;
                using System.Numerics.Tensors;
                using System.Threading;
                using System.Threading.Tasks;
                namespace App;
                public static class Program
                {
                    public static string Main(byte[] model)
                    {
                        Counting counting = Counting.Load(new MemoryStream(model));
                        CountingInput Input(long trips) => new() { X = Tensor.Create([0f]), Trips = Tensor.Create([trips]) };
                        Task<CountingOutput>[] running = [.. Enumerable.Range(0, 3).Select(_ => counting.RunAsync(Input(20_000)))];
                        Thread[] threads =
                        [
                            .. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
                            {
                                try
                                {
                                    while (true)
                                    {
                                        if (counting.Run(Input(10)).Y[0] != 10) { Environment.FailFast("wrong"); }
                                    }
                                }
                                catch (ObjectDisposedException) { }
                            })),
                        ];
                        Array.ForEach(threads, t => t.Start());
                        Thread.Sleep(20);
                        counting.Dispose();
                        counting.Dispose();
                        Array.ForEach(threads, t => t.Join());
                        return string.Join(",", running.Select(r => r.GetAwaiter().GetResult().Y[0]));
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Counting();
        project.With("/p/counting.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        Assert.Equal("20000,20000,20000", project.Call(model));
    }

    /// <summary>Compiles all calls into one program, each with a model of its own, and compares how they end.</summary>
    private static void Expect(
        IReadOnlyList<(string Call, string Exception, string Message)> calls,
        string load,
        Project project,
        byte[] model
    )
    {
        var code = new System.Text.StringBuilder(
            """
            using System;
            using System.Collections.Generic;
            using System.IO;
            using System.Linq;
            using System.Numerics.Tensors;
            using System.Threading;
            namespace App
            {
                public sealed class Done : Exception { }
                public static class Program
                {
                    private static Tensor<float> T(params nint[] lengths)
                    {
                        int length = 1;
                        foreach (nint l in lengths) { length *= (int)l; }
                        return Tensor.Create(new float[length], lengths);
                    }

                    private static string End(Action call)
                    {
                        try { call(); return "nothing: "; }
                        catch (OperationCanceledException e) { return "OperationCanceledException: " + e.Message; }
                        catch (Exception e) { return e.GetType().Name + ": " + e.Message; }
                    }

                    public static string[] Main(byte[] model) => new[]
                    {

            """
        );
        foreach ((string call, _, _) in calls)
        {
            code.Append($"            End(() => {{ {load} {call}; }}),\n");
        }
        code.Append("        };\n    }\n}\n");
        project.Code = code.ToString();
        string[] ends = (string[])project.Call(model)!;
        Assert.Equal(calls.Count, ends.Length);
        Assert.Multiple([
            .. calls.Zip(
                ends,
                Action (expected, end) =>
                    () =>
                        Assert.True(
                            end.StartsWith(expected.Exception + ": ", StringComparison.Ordinal)
                                && end.Contains(expected.Message, StringComparison.Ordinal),
                            $"{expected.Call}\n  ended in {end}\n  not in {expected.Exception}: … {expected.Message}"
                        )
            ),
        ]);
    }
}
