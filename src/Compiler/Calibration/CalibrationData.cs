using System.Globalization;
using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Calibration;

/// <summary>
/// Reads calibration and evaluation data: <c>.npz</c> archives, one <c>.npy</c> per input, and ONNX <c>test_data_set_*</c> folders with
/// <c>input_*.pb</c>; and fits them to a model's inputs (<see cref="InputFit"/>).
/// </summary>
public static class CalibrationData
{
    /// <summary>Reads and checks.</summary>
    /// <param name="pathsOrGlobs">Files, folders, or patterns with * and ? in the last part.</param>
    /// <param name="inputs">What the model asks for.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">Missing or malformed files; names, types, shapes or values that do not fit the model.</exception>
    public static SampleSet Load(
        IReadOnlyList<string> pathsOrGlobs,
        IReadOnlyList<TensorSignature> inputs,
        CancellationToken cancellationToken
    )
    {
        var samples = new List<Sample>();
        string[] paths = [.. pathsOrGlobs.SelectMany(Expand)];
        string[] loose = [.. paths.Where(p => Has(p, ".npy"))];
        if (loose.Length > 0)
        {
            samples.AddRange(InputFit.Samples(Loose(loose, inputs), inputs, loose[0], isOneBatch: false));
        }
        foreach (string path in paths.Except(loose))
        {
            cancellationToken.ThrowIfCancellationRequested();
            samples.AddRange(
                Directory.Exists(path) ? InputFit.Samples(TestDataSet(path, inputs), inputs, path, isOneBatch: true)
                : Has(path, ".npz") ? InputFit.Samples(NpzReader.Read(path, inputs), inputs, path, isOneBatch: false)
                : throw Catalogue.MalformedData.With(path, "only .npz, .npy and test_data_set folders are read")
            );
        }
        return samples.Count > 0
            ? new SampleSet(samples, string.Join(", ", pathsOrGlobs))
            : throw Catalogue.MalformedData.With(string.Join(", ", pathsOrGlobs), "it holds no sample");
    }

    /// <summary>Every file that <see cref="Load"/> would read.</summary>
    /// <exception cref="LorqException">There is nothing at a path.</exception>
    internal static IEnumerable<string> Files(IReadOnlyList<string> pathsOrGlobs) =>
        pathsOrGlobs.SelectMany(Expand).SelectMany(p => Directory.Exists(p) ? [p, .. Directory.GetFiles(p, "input_*.pb")] : new[] { p });

    private static bool Has(string path, string extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> Expand(string path)
    {
        if (Directory.Exists(path))
        {
            string[] sets = [.. Directory.GetDirectories(path, "test_data_set_*").Order(StringComparer.Ordinal)];
            string[] arrays = [.. Directory.GetFiles(path, "*.np?").Order(StringComparer.Ordinal)];
            return sets.Length > 0 ? sets
                : arrays.Length > 0 ? arrays
                : [path];
        }
        if (File.Exists(path))
        {
            return [path];
        }
        string name = Path.GetFileName(path);
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } d ? d : ".";
        if (name.AsSpan().IndexOfAny('*', '?') >= 0 && Directory.Exists(folder))
        {
            string[] found = [.. Directory.GetFileSystemEntries(folder, name).Order(StringComparer.Ordinal)];
            if (found.Length > 0)
            {
                return found;
            }
        }
        throw Catalogue.NoSuchData.With(path);
    }

    private static Dictionary<string, DataTensor> Loose(string[] files, IReadOnlyList<TensorSignature> inputs)
    {
        var arrays = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (string file in files)
        {
            string name = files.Length == 1 && inputs.Count == 1 ? inputs[0].Name : Path.GetFileNameWithoutExtension(file);
            InputFit.RequireInput(name, inputs, file);
            using FileStream stream = Open(file);
            if (!arrays.TryAdd(name, NpyReader.Read(stream, stream.Length, file)))
            {
                throw Catalogue.MalformedData.With(file, $"another file already gives '{name}'");
            }
        }
        return arrays;
    }

    private static Dictionary<string, DataTensor> TestDataSet(string folder, IReadOnlyList<TensorSignature> inputs)
    {
        var arrays = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        string[] files = [.. Directory.GetFiles(folder, "input_*.pb").Order(StringComparer.Ordinal)];
        foreach (string file in files)
        {
            TensorProto tensor = Parse(file);
            string number = Path.GetFileNameWithoutExtension(file)["input_".Length..];
            // The files are numbered in the order of the inputs; the name of an input inside wins.
            string name =
                inputs.Any(i => i.Name == tensor.Name) ? tensor.Name
                : int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int i) && i < inputs.Count ? inputs[i].Name
                : throw Catalogue.DataDoesNotFit.With(
                    file,
                    $"the model has {inputs.Count} inputs, none of them named '{tensor.Name}' or numbered {number}"
                );
            byte[] raw = TensorBytes.ReadInline(tensor, file).ToArray();
            if (!arrays.TryAdd(name, new DataTensor((TensorProto.Types.DataType)tensor.DataType, [.. tensor.Dims], raw)))
            {
                throw Catalogue.MalformedData.With(file, $"another file already gives '{name}'");
            }
        }
        return files.Length > 0 ? arrays : throw Catalogue.MalformedData.With(folder, "it holds no input_*.pb, .npy or .npz file");
    }

    private static TensorProto Parse(string file)
    {
        try
        {
            using FileStream stream = Open(file);
            return TensorProto.Parser.ParseFrom(stream);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Catalogue.MalformedData.With(file, e.Message.TrimEnd('.'));
        }
    }

    private static FileStream Open(string file)
    {
        try
        {
            return File.OpenRead(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Catalogue.CannotReadFile.With(file, e.Message);
        }
    }
}
