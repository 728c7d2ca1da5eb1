using Lorq.Runtime.Tests.Sessions;
using Microsoft.CodeAnalysis.CSharp;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Generators.Tests;

/// <summary>Generated classes compiled without warnings and run on real models.</summary>
public class ExecutionTests
{
    public static TheoryData<LanguageVersion> Versions =>
        [
            LanguageVersion.CSharp9,
            LanguageVersion.CSharp10,
            LanguageVersion.CSharp11,
            LanguageVersion.CSharp12,
            LanguageVersion.CSharp13,
            LanguageVersion.CSharp14,
        ];

    [Theory]
    [MemberData(nameof(Versions))]
    public void EveryCallOfEveryLanguageVersionComputes(LanguageVersion version)
    {
        // sum = a·scale + b, twice = a + a; scale is 1 unless a call gives it.
        var project = new Project
        {
            Language = version,
            Code = """
                using System;
                using System.IO;
                using System.Numerics.Tensors;
                using System.Threading.Tasks;
                namespace App
                {
                    public static class Program
                    {
                        public static string Main(byte[] model)
                        {
                            using Sum sum = Sum.Load(new MemoryStream(model));
                            Tensor<float> a = Tensor.Create(new float[] { 1, 2, 3, 4 }, new nint[] { 1, 4 });
                            Tensor<float> b = Tensor.Create(new float[] { 10, 20, 30, 40 }, new nint[] { 1, 4 });
                            var text = new StringWriter();
                            void Print(string name, ReadOnlyTensorSpan<float> tensor)
                            {
                                float[] values = new float[tensor.FlattenedLength];
                                tensor.FlattenTo(values);
                                text.Write(name + "=" + string.Join(",", values) + ";");
                            }
                            SumOutput y = sum.Run(new() { A = a, B = b });
                            Print("sum", y.Sum); Print("twice", y.Twice);
                            SumInput scaled = new() { A = a, B = b, Scale = Tensor.Create(new float[] { 100 }, new nint[] { 1 }) };
                            Print("scaled", sum.Run(scaled).Sum);
                            Print("async", sum.RunAsync(scaled).GetAwaiter().GetResult().Sum);
                            var buffers = new SumBuffers { Sum = Tensor.Create(new float[4], new nint[] { 1, 4 }) };
                            sum.RunInto(scaled, buffers);
                            Print("into", buffers.Sum);
                            sum.RunIntoAsync(new() { A = a, B = b }, buffers).GetAwaiter().GetResult();
                            Print("intoAsync", buffers.Sum);
                            using (SumSpans spans = sum.RunSpans(a, b))
                            {
                                Print("spans", spans.Sum);
                            }
                            using (SumSpans spans = sum.RunSpans(a, b, new ReadOnlyTensorSpan<float>(new float[] { 0 })))
                            {
                                Print("spansScaled", spans.Sum);
                            }
                            return text.ToString();
                        }
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Sum();
        project.With("/p/sum.lorq.json", ManifestText.Of(model), "LorqVisibility=public");

        Assert.Equal(
            "sum=11,22,33,44;twice=2,4,6,8;scaled=110,220,330,440;async=110,220,330,440;into=110,220,330,440;intoAsync=11,22,33,44;spans=11,22,33,44;spansScaled=10,20,30,40;",
            project.Call(model)
        );
    }

    [Theory]
    [InlineData(LanguageVersion.CSharp9)]
    [InlineData(LanguageVersion.CSharp14)]
    public void FortyAwkwardInputsComputeTheirSum(LanguageVersion version)
    {
        string[] names =
        [
            "class",
            "1",
            "input.1",
            "input_1",
            "input1",
            "a/b:0",
            "a b",
            "入力",
            "é",
            "count",
            "Count",
            "item",
            "views",
            "session",
            "cancellationToken",
            "clone",
            "Equals",
            "equalityContract",
            "adapters",
            "1.5",
            "15",
            "",
            "\"\\",
            "<&>",
            "-",
            "--",
            "x{0}",
            "_",
            "ManyInput",
            "many",
            "😀",
            "new",
            "value",
            "input",
            "options",
            "this",
            "A",
            "a",
            "null",
            "default",
        ];
        names[21] = "line\nbreak";
        var builder = new ModelBuilder();
        foreach (string name in names)
        {
            builder.Input(name, DataType.Float, "n");
        }
        byte[] model = builder.Node("Sum", "sum", names).Output("sum", DataType.Float, "n").Bytes();
        // Each input is given by its place, so that one that is mixed up with another shows in the sum's weights.
        IReadOnlyList<string> properties = Naming.Identifiers.Properties(names, "Input", "ManyInput");
        string given = string.Join(
            ", ",
            properties.Select(
                (p, i) =>
                    $"{p} = Tensor.Create(new float[] {{ {1 << (i % 20)}f * {(i < 20 ? 1 : 0)}, {1 << (i % 20)}f * {(i < 20 ? 0 : 1)} }}, new nint[] {{ 2 }})"
            )
        );
        string spans = string.Join(", ", properties.Select(p => $"input.{p}"));
        string overSpans =
            version >= LanguageVersion.CSharp13
                ? $"using ManySpans y = many.RunSpans({spans});\nreturn many.Run(input).Sum[0] + \" \" + y.Sum[1];"
                : "return many.Run(input).Sum[new nint[] { 0 }] + \" \" + many.Run(input).Sum[new nint[] { 1 }];";
        var project = new Project
        {
            Language = version,
            Code = $$"""
                using System.IO;
                using System.Numerics.Tensors;
                namespace App
                {
                    public static class Program
                    {
                        public static string Main(byte[] model)
                        {
                            using Many many = Many.Load(new MemoryStream(model));
                            ManyInput input = new() { {{given}} };
                            {{overSpans}}
                        }
                    }
                }
                """,
        };
        project.With("/p/many.lorq.json", ManifestText.Of(model), "LorqVisibility=public");

        int all = (1 << 20) - 1;
        Assert.Equal($"{all} {all}", project.Call(model));
    }

    [Theory]
    [InlineData("float", DataType.Float, "float", "new float[] { 1, 2 }")]
    [InlineData("double", DataType.Double, "double", "new double[] { 1, 2 }")]
    [InlineData("int8", DataType.Int8, "sbyte", "new sbyte[] { -1, 2 }")]
    [InlineData("int16", DataType.Int16, "short", "new short[] { -1, 2 }")]
    [InlineData("int32", DataType.Int32, "int", "new int[] { -1, 2 }")]
    [InlineData("int64", DataType.Int64, "long", "new long[] { -1, 2 }")]
    [InlineData("uint8", DataType.Uint8, "byte", "new byte[] { 1, 2 }")]
    [InlineData("uint16", DataType.Uint16, "ushort", "new ushort[] { 1, 2 }")]
    [InlineData("uint32", DataType.Uint32, "uint", "new uint[] { 1, 2 }")]
    [InlineData("uint64", DataType.Uint64, "ulong", "new ulong[] { 1, 2 }")]
    [InlineData("bool", DataType.Bool, "bool", "new bool[] { true, false }")]
    [InlineData("float16", DataType.Float16, "System.Half", "new System.Half[] { (System.Half)1.5f, (System.Half)(-2f) }")]
    [InlineData(
        "bfloat16",
        DataType.Bfloat16,
        "Microsoft.ML.OnnxRuntime.BFloat16",
        "new[] { (Microsoft.ML.OnnxRuntime.BFloat16)1.5f, (Microsoft.ML.OnnxRuntime.BFloat16)(-2f) }"
    )]
    [InlineData("string", DataType.String, "string", "new string[] { \"a\", \"é😀\" }")]
    public void EveryElementTypeGoesThroughUnchanged(string name, DataType type, string element, string values)
    {
        string manifest = ManifestText
            .Signature([ManifestText.Tensor("x", name, "n")], [ManifestText.Tensor("y", name, "n")])
            .ToJsonString();
        var project = new Project
        {
            Code = $$"""
                using System.IO;
                using System.Linq;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static bool Main(byte[] model)
                    {
                        using Same same = Same.Load(new MemoryStream(model));
                        {{element}}[] values = {{values}};
                        Tensor<{{element}}> x = Tensor.Create(values, new nint[] { 2 });
                        Tensor<{{element}}> y = same.Run(new() { X = x }).Y;
                        using SameSpans spans = same.RunSpans(x);
                        return y[0].Equals(values[0]) && y[1].Equals(values[1]) && spans.Y[0].Equals(values[0]) && spans.Y[1].Equals(values[1]);
                    }
                }
                """,
        };
        project.With("/p/same.lorq.json", manifest, "LorqVisibility=public");
        Assert.Equal(true, project.Call(ModelBuilder.Identity(type, "n")));
    }

    [Fact]
    public void ScalarsAreTensorsOfOneElement()
    {
        var project = new Project
        {
            Code = """
                using System.IO;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static float Main(byte[] model)
                    {
                        using Counting counting = Counting.Load(new MemoryStream(model));
                        CountingOutput y = counting.Run(new() { X = Tensor.Create(new float[] { 2.5f }), Trips = Tensor.Create(new long[] { 3 }) });
                        return y.Y[0];
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Counting();
        project.With("/p/counting.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        Assert.Equal(5.5f, project.Call(model));
    }

    [Fact]
    public void SequencesAreValuesOfOnnxRuntime()
    {
        // SplitToSequence has an output that is no tensor, and the signature says so.
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "2")
            .Node("SequenceConstruct", "parts", "x", "x")
            .SequenceOutput("parts", DataType.Float)
            .Bytes();
        var project = new Project
        {
            Code = """
                using System.IO;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static long Main(byte[] model)
                    {
                        using Parts parts = Parts.Load(new MemoryStream(model));
                        using PartsOutput y = parts.Run(new() { X = Tensor.Create(new float[] { 1, 2 }) });
                        using PartsSpans spans = parts.RunSpans(new ReadOnlyTensorSpan<float>(new float[] { 1, 2 }));
                        return y.Parts.GetValueCount() + spans.Parts.GetValueCount();
                    }
                }
                """,
        };
        project.With("/p/parts.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        Assert.Equal(4L, project.Call(model));
    }

    [Fact]
    public void TypesOfTheAppThatShareNamesWithOursAreNotMixedUp()
    {
        var project = new Project
        {
            Code = """
                namespace App;
                public sealed class Tensor<T> { }
                public sealed class LorqSession { }
                public static class Task { }
                public static class Program
                {
                    public static float Main(byte[] model)
                    {
                        using Sum sum = Sum.Load(new System.IO.MemoryStream(model));
                        System.Numerics.Tensors.Tensor<float> a = System.Numerics.Tensors.Tensor.Create([1f, 2f, 3f, 4f], [1, 4]);
                        return sum.Run(new() { A = a, B = a }).Sum[0, 3];
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Sum();
        project
            .With("/p/sum.lorq.json", ManifestText.Of(model), "LorqVisibility=public")
            .With("/p/stream.lorq.json", ManifestText.Of(model));
        Assert.Equal(8f, project.Call(model));
    }

    [Fact]
    public void ServicesGetTheModelWhereTheAppReferencesThem()
    {
        var project = new Project { HasServices = true };
        project.With("/p/sum.lorq.json", ManifestText.Of(ModelBuilder.Sum()));
        Assert.NotNull(project.Build().GetType("App.SumServices")!.GetMethod("AddSum"));
    }

    [Fact]
    public void AdaptersThatCameWithTheModelAreLoadedAndAppliedByTheirConstants()
    {
        string models = Path.Combine(AppContext.BaseDirectory, "Adapted");
        Directory.CreateDirectory(models);
        File.WriteAllBytes(Path.Combine(models, "legal.onnx_adapter"), AdapterFile.Of(("scale", [2f], [1])));
        File.WriteAllBytes(Path.Combine(models, "case law.onnx_adapter"), AdapterFile.Of(("scale", [3f], [1])));
        var project = new Project
        {
            Code = """
                using System.IO;
                using System.Linq;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static string Main(byte[] model)
                    {
                        using Sum sum = Sum.Load(new MemoryStream(model));
                        sum.LoadAdapter(Sum.Adapters.Legal);
                        sum.LoadAdapter(Sum.Adapters.CaseLaw);
                        Tensor<float> a = Tensor.Create([1f, 2f, 3f, 4f], [1, 4]);
                        Tensor<float> b = Tensor.Create(new float[4], [1, 4]);
                        SumInput plain = new() { A = a, B = b };
                        SumInput legal = plain with { Adapters = [Sum.Adapters.Legal] };
                        using SumSpans spans = sum.RunSpans(a, b, adapters: [Sum.Adapters.CaseLaw]);
                        float[] batches = [.. sum.RunBatches([plain, legal, legal]).Select(y => y.Sum[0, 3])];
                        string missing = "";
                        try { sum.LoadAdapter("none"); } catch (FileNotFoundException e) { missing = Path.GetFileName(e.FileName!); }
                        return string.Join(",", sum.Run(plain).Sum[0, 3], sum.Run(legal).Sum[0, 3], spans.Sum[0, 3], string.Join(",", batches), Sum.Adapters.CaseLaw_2, missing);
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Sum();
        project.With(
            "/p/sum.lorq.json",
            ManifestText.Of(model),
            "LorqVisibility=public",
            "LorqModelFile=Adapted/sum.onnx",
            "LorqAdapters=legal/case law/case-law"
        );
        Assert.Equal("4,8,12,4,8,8,case-law,none.onnx_adapter", project.Call(model));
    }

    [Fact]
    public void EmbeddedModelsComeFromTheAssembly()
    {
        var project = new Project
        {
            Code = """
                using System.IO;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static string Main(string missing)
                    {
                        Tensor<float> a = Tensor.Create([1f, 2f, 3f, 4f], [1, 4]);
                        using Sum sum = Sum.Load();
                        sum.LoadAdapter(Sum.Adapters.Legal);
                        float y = sum.Run(new() { A = a, B = a, Adapters = [Sum.Adapters.Legal] }).Sum[0, 3];
                        try { Gone.Load(); return "loaded"; } catch (FileNotFoundException e) { return Sum.ResourceName + ";" + y + ";" + e.Message; }
                    }
                }
                """,
        };
        byte[] model = ModelBuilder.Sum();
        project.Resources.Add(("Lorq/Models/sum.onnx", model));
        project.Resources.Add(("Lorq/Models/legal.onnx_adapter", AdapterFile.Of(("scale", [2f], [1]))));
        project
            .With(
                "/p/sum.lorq.json",
                ManifestText.Of(model),
                "LorqVisibility=public",
                "LorqModelFile=Models/sum.onnx",
                "LorqResourceName=Lorq/Models/sum.onnx",
                "LorqAdapters=legal"
            )
            .With("/p/gone.lorq.json", ManifestText.Of(model), "LorqResourceName=Lorq/gone.onnx");
        Assert.Equal("Lorq/Models/sum.onnx;12;The assembly has no resource 'Lorq/gone.onnx'.", project.Call(""));
    }

    [Fact]
    public void InputsOfAnOptionalTypeNeedNotBeSet()
    {
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "n")
            .OptionalInput("mask", DataType.Float, "n")
            .Node("OptionalHasElement", "has", "mask")
            .Node("Identity", "y", "x")
            .Output("y", DataType.Float, "n")
            .Output("has", DataType.Bool)
            .Bytes();
        var project = new Project
        {
            Code = """
                using System.IO;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static string Main(byte[] model)
                    {
                        using Masked masked = Masked.Load(new MemoryStream(model));
                        Tensor<float> x = Tensor.Create([1f, 2f]);
                        using MaskedSpans spans = masked.RunSpans(x, x);
                        return masked.Run(new() { X = x }).Has[0] + "," + masked.Run(new() { X = x, Mask = x }).Has[0] + "," + spans.Has[0];
                    }
                }
                """,
        };
        project.With("/p/masked.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        Assert.Equal("False,True,True", project.Call(model));
    }

    [Theory]
    [InlineData(LanguageVersion.CSharp9)]
    [InlineData(LanguageVersion.CSharp14)]
    public void ManySamplesRunInBatchesAndEachGetsItsOwnOutputs(LanguageVersion version)
    {
        // Sums of rows see what they are filled up by; the text goes through.
        byte[] model = new ModelBuilder()
            .Input("class", DataType.Float, "batch", "length")
            .Input("list", DataType.String, "batch", "length")
            .Constant("axis", DataType.Int64, [1L], 1)
            .Node("ReduceSum", "total", "class", "axis")
            .Node("Identity", "same", "class")
            .Node("Identity", "text", "list")
            .Output("total", DataType.Float, "batch", "1")
            .Output("same", DataType.Float, "batch", "length")
            .Output("text", DataType.String, "batch", "length")
            .Bytes();
        var project = new Project
        {
            Language = version,
            Code = """
                using System.IO;
                using System.Linq;
                using System.Numerics.Tensors;
                namespace App
                {
                    public static class Program
                    {
                        public static string Main(byte[] model)
                        {
                            using Rows rows = Rows.Load(new MemoryStream(model));
                            RowsInput Sample(int length) => new()
                            {
                                Class = Tensor.Create(Enumerable.Repeat(1f, length).ToArray(), new nint[] { 1, length }),
                                List = Tensor.Create(Enumerable.Repeat("s", length).ToArray(), new nint[] { 1, length }),
                            };
                            RowsInput[] samples = new[] { 1, 3, 2 }.Select(Sample).ToArray();
                            string Text(System.Collections.Generic.IEnumerable<RowsOutput> all) =>
                                string.Join(" ", all.Select(y => y.Total[new nint[] { 0, 0 }] + "/" + y.Same.FlattenedLength + "/" + y.Text.FlattenedLength));
                            return Text(rows.RunBatches(samples)) + ";" + Text(rows.RunBatches(samples, new RowsPadding { Class = 10, List = "" }, 2));
                        }
                    }
                }
                """,
        };
        project.With("/p/rows.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        Assert.Equal("1/1/1 3/3/3 2/2/2;21/1/1 3/3/3 2/2/2", project.Call(model));
    }

    [Fact]
    public void ClassesAreNotCalledByNamesOfTheirMembers()
    {
        var project = new Project();
        foreach (
            string name in new[]
            {
                "session",
                "run",
                "load",
                "inputs",
                "padding",
                "run-batches",
                "resource-name",
                "tensor",
                "list",
                "string",
                "main",
            }
        )
        {
            project.With($"/p/{name}.lorq.json", ManifestText.MiniLm());
        }
        Assert.Equal(typeof(object), project.Build().GetType("App.SessionModel")!.BaseType);
    }

    [Theory]
    [InlineData("past_key_values.0.key", "present.0.key", "PastKeyValues0Key")]
    [InlineData("past_0", "present_0", "Past0")]
    public void StepsOfADecoderContinueItsCaches(string past, string present, string property)
    {
        // Sums what it is given, in a cache of fixed length; another cache, whose length is open, goes through.
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "batch", "2")
            .Input(past, DataType.Float, "batch", "2")
            .Input("past_open", DataType.Float, "batch", "past_length", "3")
            .Node("Add", present, past, "x")
            .Node("Identity", "present_open", "past_open")
            .Output(present, DataType.Float, "batch", "2")
            .Output("present_open", DataType.Float, "batch", "length", "3")
            .Bytes();
        var project = new Project
        {
            Code = $$"""
                using System.IO;
                using System.Numerics.Tensors;
                namespace App;
                public static class Program
                {
                    public static string Main(byte[] model)
                    {
                        using Decoder decoder = Decoder.Load(new MemoryStream(model));
                        Tensor<float> x = Tensor.Create(new float[] { 1, 2 }, new nint[] { 1, 2 });
                        DecoderInput input = DecoderInput.Start(x);
                        string start = string.Join(",", input.PastOpen.Lengths.ToArray());
                        DecoderOutput y = decoder.Run(input);
                        y = decoder.Run(y.Next(x));
                        y = decoder.Run(y.Next(x));
                        return start + ";" + y.Next(x).{{property}}[0, 1];
                    }
                }
                """,
        };
        project.With("/p/decoder.lorq.json", ManifestText.Of(model), "LorqVisibility=public");
        Assert.Equal("1,0,3;6", project.Call(model));
    }

    [Fact]
    public void NamespacesMayHaveKeywords()
    {
        var project = new Project
        {
            RootNamespace = "My.class.Models",
            Code = "class Use { My.@class.Models.Sum? sum = null; object? Get() => sum; }",
        };
        project.With("/p/sum.lorq.json", ManifestText.Of(ModelBuilder.Sum()));
        project.Build();
    }
}
