using Lorq.Runtime;
using Lorq.Runtime.Tests.Sessions;

namespace Lorq.Generators.Tests;

/// <summary>Every wrong call that compiles ends in the exception that the documentation names, with the model's names in it.</summary>
public class WrongCallTests
{
    private const string A = "A = T(1, 4)";
    private const string B = "B = T(1, 4)";

    [Theory]
    [InlineData("sum.Run(new() { A = T(4), B = T(1, 4) })", "rank 1")]
    [InlineData("sum.Run(new() { A = T(1, 4), B = T(1, 5) })", "dimension 1 is 5, not 4")]
    [InlineData("sum.Run(new() { A = T(1, 4), B = T(2, 4) })", "dimension 0 is 'batch', which is 1 in input 'a'")]
    [InlineData("sum.Run(new() { A = null!, B = T(1, 4) })", "Input 'a' of the model is missing")]
    [InlineData("sum.Run(new() { A = T(1, 4), B = T(1, 4), Scale = T(2) })", "dimension 0 is 2, not 1")]
    [InlineData("sum.Run(new() { A = T(2, 4), B = Tensor.Create(new float[16], [2, 4], [8, 2]) })", "not dense")]
    [InlineData("sum.RunAsync(new() { A = T(1, 4), B = T(2, 4) }).GetAwaiter().GetResult()", "'batch'")]
    [InlineData("sum.RunInto(new() { A = T(1, 4), B = T(2, 4) }, new() { Sum = T(1, 4) })", "'batch'")]
    [InlineData("sum.RunInto(new() { A = T(1, 4), B = T(1, 4) }, new() { Sum = T(1, 5) })", "buffer for output 'sum'")]
    [InlineData("sum.RunSpans(T(1, 4), T(2, 4))", "'batch'")]
    [InlineData("sum.RunSpans(T(1, 4), T(1, 4, 1))", "rank 3")]
    [InlineData("sum.RunSpans(T(1, 4), default)", "'b'")]
    public void TensorsThatDoNotFitAreNamed(string call, string message)
    {
        InvalidTensorException e = Assert.Throws<InvalidTensorException>(() => Call(call));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesOfDimensionsAreNotComparedWhereOptionsSaySo() =>
        Call(
            "using Sum free = Sum.Load(new MemoryStream(model), new() { CheckDimensionNames = false }); free.Run(new() { A = T(1, 4), B = T(2, 4) })"
        );

    [Fact]
    public void OtherWrongCallsEndAsDocumented()
    {
        const string Given = "new() { " + A + ", " + B + " }";
        Assert.Throws<ArgumentNullException>(() => Call("sum.Run(null!)"));
        Assert.Throws<ArgumentNullException>(() => Call("sum.RunInto(" + Given + ", null!)"));
        Assert.Throws<ArgumentException>(() => Call("sum.RunInto(" + Given + ", new())"));
        Assert.Throws<ObjectDisposedException>(() => Call("sum.Dispose(); sum.Run(" + Given + ")"));
        Assert.Throws<ObjectDisposedException>(() =>
            Call("SumSpans y = sum.RunSpans(T(1, 4), T(1, 4)); y.Dispose(); _ = y.Sum.FlattenedLength")
        );
        Assert.ThrowsAny<OperationCanceledException>(() => Call("sum.Run(" + Given + ", new System.Threading.CancellationToken(true))"));
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Call("sum.RunAsync(" + Given + ", new System.Threading.CancellationToken(true)).GetAwaiter().GetResult()")
        );
        Assert.Throws<ArgumentException>(() => Call("sum.Run(new() { " + A + ", " + B + ", Adapters = [\"legal\"] })"));
        Assert.Throws<FileNotFoundException>(() => Call("Sum.Load()"));
        Assert.Throws<FileNotFoundException>(() => Call("Sum.Load(\"none.onnx\")"));
    }

    private static void Call(string call)
    {
        var project = new Project
        {
            Code = $$"""
                using System;
                using System.IO;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    private static Tensor<float> T(params nint[] lengths)
                    {
                        int length = 1;
                        foreach (nint l in lengths) { length *= (int)l; }
                        return Tensor.Create(new float[length], lengths);
                    }

                    public static object? Main(byte[] model)
                    {
                        using Sum sum = Sum.Load(new MemoryStream(model));
                        {{call}};
                        return null;
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Sum();
        project.With("/p/sum.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        project.Call(model);
    }
}
